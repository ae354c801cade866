"""Ending child processes the gentle way first."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable


def end(processes: Iterable[subprocess.Popen[bytes]], limit_s: float) -> None:
    """Ask every process to end, a stopped one too, and kill what has not ended after `limit_s`."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            process.send_signal(signal.SIGCONT)
    for process in asked:
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
