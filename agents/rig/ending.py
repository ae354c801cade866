"""Ending child processes the gentle way first."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


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


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold off a second Ctrl-C: it would leave processes behind, and stopping has limits of its own."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
