"""A flame graph of the first worker of a rig, sampled from outside by py-spy, native frames left out."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.bench.errors import BenchError
from agents.bench.rig import Rig

SAMPLES_PER_S: Final = 200
WRITTEN_LIMIT_S: Final = 30.0


@contextmanager
def flaming(rig: Rig, file: Path | None) -> Iterator[None]:
    """Sample worker-0 during the block and write a flame graph (SVG) to `file`; BenchError when that fails."""
    if file is None:
        yield
        return
    argv = [sampler(), "record", "--pid", str(rig.processes["worker-0"].pid), "--output", str(file)]
    argv += ["--format", "flamegraph", "--rate", str(SAMPLES_PER_S), "--nonblocking"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sampling:
        try:
            yield
        finally:
            sampling.send_signal(signal.SIGINT)
            said, _ = sampling.communicate(timeout=WRITTEN_LIMIT_S)
    if not file.exists():
        raise BenchError(f"{file}: no flame graph; py-spy said: {said.strip()[-200:]}")


def sampler() -> str:
    """Return the path of py-spy; BenchError when it is not installed."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise BenchError("py-spy is not installed; `make setup-dev` installs it")
    return found
