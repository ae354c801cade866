"""Keeps one process running: `python -m deploy.local.supervise --name N --pid-file F -- COMMAND…`.

Starts the command again whenever it fails, the first time after half a second, then with doubled pauses of up
to ten seconds. Ends when the command ends with 0, when it ends with 2 (it refused its settings, and would
again), or on SIGTERM, which it hands on. Only the standard library is imported, because one of these stands
beside every service.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 10.0
STOP_LIMIT_S = 30
REFUSED = 2


class Supervisor:
    """One command, its current process, and whether it is to go on."""

    def __init__(self, name: str, argv: Sequence[str], pid_file: Path) -> None:
        """Nothing is started yet."""
        self.name = name
        self.argv = list(argv)
        self.pid_file = pid_file
        self.stopping = False
        self._child: subprocess.Popen[bytes] | None = None
        self._wake_read, self._wake_write = os.pipe()

    def run(self) -> int:
        """Return the code to leave with: 0 when the command is done or was stopped, 2 when it refused."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_overdue)
        pause_s = FIRST_PAUSE_S
        while not self.stopping:
            began = time.monotonic()
            code = self._run_once()
            lasted_s = time.monotonic() - began
            if not self.stopping and code in {0, REFUSED}:
                self._say(f"ended by itself with {code}")
                return code
            if not self.stopping:
                pause_s = FIRST_PAUSE_S if lasted_s > STEADY_AFTER_S else pause_s
                self._say(f"ended with {code} after {lasted_s:.1f} s, starting again in {pause_s:.1f} s")
                select.select([self._wake_read], [], [], pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._say("stopped")
        return 0

    def _run_once(self) -> int:
        """Return the exit code of one run of the command; -N when signal N ended it."""
        self._child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL)
        draft = self.pid_file.with_suffix(".new")
        draft.write_text(f"{self._child.pid}\n", encoding="ascii")
        draft.replace(self.pid_file)
        if self.stopping:
            self._child.terminate()
        code = self._child.wait()
        signal.alarm(0)
        self._child = None
        self.pid_file.unlink(missing_ok=True)
        return code

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        os.write(self._wake_write, b"x")
        signal.alarm(STOP_LIMIT_S)
        if self._child is not None:
            self._child.terminate()

    def _on_overdue(self, _number: int, _frame: FrameType | None) -> None:
        if self._child is not None:
            self._child.kill()

    def _say(self, text: str) -> None:
        sys.stderr.write(f"supervisor: {self.name} {text}\n")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and supervise."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.supervise", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--pid-file", required=True, type=Path)
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args(arguments)
    return Supervisor(chosen.name, chosen.command, chosen.pid_file).run()


if __name__ == "__main__":
    sys.exit(main())
