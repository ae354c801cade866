"""`renown bench replay`: speed and memory of scoring a file offline, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from agents.bench.errors import BenchError
from agents.bench.figures import Figure, Run
from agents.bench.progress import Shown
from deploy.local.services import command

KIB: Final = 1024
MIB: Final = 2**20
SUMMARY: Final = re.compile(r"^([\d,]+) events of ([\d,]+) users,.*; ([\d.]+) s, ", re.MULTILINE)
FIGURES: Final = (
    Figure("events_per_s", "events/s", "by the command's own clock: reading, scoring, writing"),
    Figure("seconds", "s", "whole process, from its start to its end"),
    Figure("cpu_us_per_event", "µs", "CPU of the whole process"),
    Figure("peak_resident_mib", "MiB", "most memory it held"),
    Figure("events", "", "engagements scored"),
    Figure("users", "", "people among them"),
)


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """The file to score and what it holds."""

    file: Path
    form: str
    profile: str

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on; the file by its name and size."""
        return {**asdict(self), "file": self.file.name, "bytes": self.file.stat().st_size}


def measure(job: ReplayJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures; raises BenchError when the replay fails."""
    shown.say(f"scoring {job.file.name}")
    words = ("replay", str(job.file), "--format", job.form, "--profile", job.profile, "--output", "jsonl")
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=said)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    found = SUMMARY.search(text)
    if process.returncode or found is None:
        raise BenchError(f"`renown replay {job.file.name}` failed ({process.returncode}): {text.strip()[-200:]}")
    events, users, own_s = (float(number.replace(",", "")) for number in found.groups())
    run = {
        "events_per_s": events / own_s,
        "seconds": seconds,
        "cpu_us_per_event": 1_000_000 * (used.ru_utime + used.ru_stime) / events,
        "peak_resident_mib": used.ru_maxrss * KIB / MIB,
        "events": events,
        "users": users,
    }
    return run, {}
