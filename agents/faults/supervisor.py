"""What systemd or Kubernetes does in production: starts again whatever ended, and remembers how it ended."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from agents.rig.pipeline import Pipeline
from deploy.local.process import last_words

LOOK_S: Final = 0.05
AGAIN_S: Final = 0.5
BY_SIGNAL: Final = (-signal.SIGKILL, -signal.SIGTERM)
HELPED_BY_RESTART: Final = 75
AT_CRASH_POINT: Final = 86
FORESEEN: Final = frozenset({0, HELPED_BY_RESTART, AT_CRASH_POINT, *BY_SIGNAL})


class Supervisor(threading.Thread):
    """Keeps named processes running; an end that no fault explains is a problem. `ends` counts exit codes."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(name="supervisor", daemon=True)
        self.kept: dict[str, Mapping[str, str]] = {}
        self.ends: Counter[int] = Counter()
        self.problems: list[str] = []
        self.foreseen = set(FORESEEN)
        self._pipeline, self._lock, self._over = pipeline, threading.RLock(), threading.Event()
        self._due_at: dict[str, float] = {}

    def keep(self, name: str, also: Mapping[str, str] | None = None) -> None:
        """Start a process and keep it running, with these variables the first time only."""
        with self._lock:
            self.kept[name] = {}
            self._due_at.pop(name, None)
            self._pipeline.start(name, also=also)

    def always(self, name: str, also: Mapping[str, str]) -> None:
        """Give a kept process variables at every start from now on."""
        with self._lock:
            self.kept[name] = dict(also)

    def let_go(self, name: str) -> None:
        """Keep a process no longer; it runs on."""
        with self._lock:
            self.kept.pop(name, None)

    def run(self) -> None:
        """Look after the processes until `stop`."""
        while not self._over.wait(LOOK_S):
            self.check()

    def check(self) -> None:
        """Look once: a process that ended is started again half a second later."""
        with self._lock:
            now = time.monotonic()
            for name, also in self.kept.items():
                if self._pipeline.runs(name):
                    continue
                if name not in self._due_at:
                    self._note(name)
                    self._due_at[name] = now + AGAIN_S
                elif now >= self._due_at[name]:
                    del self._due_at[name]
                    self._pipeline.start(name, also=also)

    def stop(self) -> None:
        """Start nothing any more."""
        self._over.set()
        if self.is_alive():
            self.join()
        self.kept.clear()

    def _note(self, name: str) -> None:
        code = self._pipeline.processes[name].returncode
        self.ends[code] += 1
        if code not in self.foreseen:
            words = last_words(self._pipeline.log_file(name))
            self.problems.append(f"{name} ended with {code}: {words[:200]}")
