"""No room on disk, no file descriptors, no memory: a clear end and a clean recovery, never a wrong score."""

from __future__ import annotations

import resource
import signal
import time
from pathlib import Path
from typing import Final

import psutil

from agents.faults.records import engagement
from agents.faults.scene import Scene

FEW_FILES: Final = 8
GROWTH: Final = 40_000
END_LIMIT_S: Final = 60.0
OUT_OF_MEMORY: Final = frozenset({70, 75, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGKILL, 1})
CHUNK: Final = 1 << 20


def disk_of_broker(scene: Scene) -> None:
    """Fill the disk under the broker's folder, wait for its end, make room and start it again."""
    filler = fill(scene.broker.folder)
    scene.injected += 1
    scene.wait(lambda: not scene.broker.lives(), "the broker's end on a full disk", END_LIMIT_S)
    filler.unlink()
    scene.broker.start()
    scene.recover()
    scene.all_ready()


def disk_of_store(scene: Scene) -> None:
    """Fill the disk under Redis's folder, let it refuse writes for a while, make room."""
    filler = fill(scene.store.folder)
    scene.injected += 1
    scene.pause(8.0)
    filler.unlink()
    if not scene.store.lives():
        scene.store.start()
    scene.recover()


def fill(folder: Path) -> Path:
    """Write a file that takes all room on the folder's disk, and return it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (CHUNK, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return filler


def files(scene: Scene) -> None:
    """Leave a worker no file descriptor for the connections that it needs after the broker's restart."""
    name = scene.workers[0]
    psutil.Process(scene.pipeline.processes[name].pid).rlimit(resource.RLIMIT_NOFILE, (FEW_FILES, FEW_FILES))
    scene.injected += 1
    scene.broker.kill()
    scene.broker.start()
    scene.recover()
    scene.all_ready()


def memory(scene: Scene) -> None:
    """Let a worker's memory grow no further while new people keep coming: it must end clearly, and come back."""
    name = scene.workers[0]
    scene.supervisor.foreseen |= OUT_OF_MEMORY
    process = scene.pipeline.processes[name]
    used = psutil.Process(process.pid).memory_info().vms
    psutil.Process(process.pid).rlimit(resource.RLIMIT_AS, (used, used))
    scene.injected += 1
    until, number = time.monotonic() + END_LIMIT_S, 0
    while process.poll() is None and time.monotonic() < until:
        for _ in range(GROWTH // 20):
            number += 1
            at_ms = int(time.time() * 1000)
            scene.source.send(engagement(number, 3, "like", f"grow:a{number}", f"grow:b{number}", at_ms))
        scene.pause(0.5)
    scene.expect(process.poll() is not None, f"a worker without memory went on for {END_LIMIT_S:.0f} s")
    if process.poll() is None:
        scene.kill(name)
    scene.recover()
    scene.all_ready()
