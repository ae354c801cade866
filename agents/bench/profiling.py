"""Profiles of the first worker of a rig: taken between two signals, shown as a table."""

from __future__ import annotations

import io
import pstats
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.bench.errors import BenchError
from agents.bench.rig import Rig

START: Final = signal.SIGRTMIN
STOP: Final = signal.SIGRTMIN + 1
"""Faust has its own use for SIGUSR1 and SIGUSR2."""
ROWS: Final = 30
WRITTEN_LIMIT_S: Final = 30.0
POLL_S: Final = 0.05


@contextmanager
def profiling(rig: Rig) -> Iterator[None]:
    """Profile the block's time in worker-0 when the rig was started for it; BenchError when nothing is written."""
    if rig.profile is None:
        yield
        return
    rig.profile.unlink(missing_ok=True)
    rig.processes["worker-0"].send_signal(START)
    yield
    rig.processes["worker-0"].send_signal(STOP)
    until = time.monotonic() + WRITTEN_LIMIT_S
    while not rig.profile.exists():
        rig.check()
        if time.monotonic() > until:
            raise BenchError(f"{rig.profile}: no profile after {WRITTEN_LIMIT_S:.0f} s; is the folder writable?")
        time.sleep(POLL_S)


def dearest(profile: Path, rows: int = ROWS) -> str:
    """Return the functions with the most time of their own, as Python's pstats prints them."""
    text = io.StringIO()
    pstats.Stats(str(profile), stream=text).sort_stats("tottime").print_stats(rows)
    return text.getvalue().strip()
