"""CPU and memory of the processes of a rig."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Self

import psutil

from agents.bench.rig import Rig

PARTS: Final = ("worker", "scoring", "redis", "kafka")


@dataclass(frozen=True, slots=True)
class Usage:
    """A moment: `at_s` on the monotonic clock, CPU seconds and resident bytes of each part until then."""

    at_s: float
    cpu_s: dict[str, float]
    resident_bytes: dict[str, int]

    @classmethod
    def of(cls, rig: Rig) -> Self:
        """Return the usage of every part now."""
        cpu, resident = {}, {}
        for name, pid in rig.pids().items():
            process = psutil.Process(pid)
            times = process.cpu_times()
            cpu[name] = times.user + times.system
            resident[name] = process.memory_info().rss
        return cls(time.monotonic(), cpu, resident)

    def cpu_since(self, before: Usage, part: str) -> float:
        """Return the CPU seconds that the parts whose names start with `part` have used since `before`."""
        return sum(now - before.cpu_s[name] for name, now in self.cpu_s.items() if name.startswith(part))
