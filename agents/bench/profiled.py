"""One of our commands under Python's profiler: `python -m agents.bench.profiled FILE WORD...`.

Time is CPU time, so that waiting costs nothing; start-up and compiling are left out because the profiler rests
until it is sent START. STOP writes FILE.
"""

from __future__ import annotations

import cProfile
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from agents.bench.profiling import START, STOP
from agents.cli.main import main


def _run(file: str, words: list[str]) -> None:
    """Run `renown WORD...` in this process."""
    profiler = cProfile.Profile(time.process_time)

    def start(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a handler is given
        profiler.enable()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a handler is given
        profiler.disable()
        draft = Path(file + ".new")
        profiler.dump_stats(draft)
        draft.replace(file)

    signal.signal(START, start)
    signal.signal(STOP, stop)
    sys.argv = ["renown", *words]
    main()


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2:])
