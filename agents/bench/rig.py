"""The parts of one run: its brokers, its workers and its scoring agent, all children of ours."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.bench.errors import BenchError
from agents.rig.ending import end
from deploy.local import ports
from deploy.local.process import last_words
from deploy.local.services import DATA_VARIABLE, DROPPED_VARIABLES, command
from deploy.local.state import StackState
from streams.settings import Settings

READY_LIMIT_S: Final = 180.0
STOP_LIMIT_S: Final = 10.0
POLL_S: Final = 0.05
OWN: Final = DROPPED_VARIABLES | {
    f"RENOWN_{name}" for name in ("MEMBER_NAME", "READY_FILE", "METRICS_PORT", "CRASH_POINT")
}
"""Variables that each process of a rig gets from the rig alone; other RENOWN_* settings are measured as they are."""
SCORING: Final = "scoring"


@dataclass
class Rig:
    """Running processes by name: worker-0.., scoring; `pids` also names kafka and redis."""

    state: StackState
    settings: Settings
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    metrics_ports: dict[str, int] = field(default_factory=dict)
    profile: Path | None = None

    @property
    def workers(self) -> list[str]:
        """Return the workers' names."""
        return [name for name in self.processes if name != SCORING]

    def pids(self) -> dict[str, int]:
        """Return the process id of every part."""
        brokers = {"kafka": self.state.kafka, "redis": self.state.redis}
        found = {name: part.process.pid for name, part in brokers.items() if part is not None and part.process}
        return found | {name: process.pid for name, process in self.processes.items()}

    def versions(self) -> dict[str, str]:
        """Return the brokers' versions."""
        brokers = {"kafka": self.state.kafka, "redis": self.state.redis}
        return {name: part.version for name, part in brokers.items() if part is not None}

    def environment(self) -> dict[str, str]:
        """Return what a command of ours needs to find this stack."""
        inherited = {name: value for name, value in os.environ.items() if name not in OWN}
        return {**inherited, DATA_VARIABLE: str(self.folder), "TMPDIR": str(self.folder)}

    def start(self, name: str, argv: tuple[str, ...]) -> None:
        """Start a part as a child of ours; a terminal's Ctrl-C reaches us alone."""
        self.metrics_ports[name] = ports.pick(frozenset(self.metrics_ports.values()))
        env = {**self.environment(), "RENOWN_METRICS_PORT": str(self.metrics_ports[name])}
        if name != SCORING:
            env |= {"RENOWN_MEMBER_NAME": name, "RENOWN_READY_FILE": str(self.folder / f"{name}.ready")}
        with self._log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(argv, env=env, stdout=log, stderr=log, start_new_session=True)

    def check(self) -> None:
        """Raise BenchError when a process of the rig has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise BenchError(f"{name} ended by itself ({process.returncode}): {last_words(self._log(name))}")

    def wait_ready(self) -> None:
        """Return when every worker is ready to score and the scoring agent has said so."""
        until = time.monotonic() + READY_LIMIT_S
        while not self._is_ready():
            self.check()
            if time.monotonic() > until:
                raise BenchError(f"the workers were not ready after {READY_LIMIT_S:.0f} s")
            time.sleep(POLL_S)

    def run(self, *words: str) -> bytes:
        """Return what one of our commands prints about this stack; BenchError when it fails."""
        done = subprocess.run(command(*words), env=self.environment(), capture_output=True, check=False)
        if done.returncode:
            raise BenchError(f"`renown {words[0]}` failed: {done.stderr.decode(errors='replace').strip()[-200:]}")
        return done.stdout

    def stop(self) -> None:
        """End every child, the gentle way first."""
        end(self.processes.values(), STOP_LIMIT_S)

    def _is_ready(self) -> bool:
        ready = all((self.folder / f"{name}.ready").exists() for name in self.workers)
        return ready and "scoring: ready" in self._log(SCORING).read_text(errors="replace")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"
