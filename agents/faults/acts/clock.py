"""Workers whose system clock is wrong: stream time is the log's, so nothing may change."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

from agents.faults.scene import Scene

STEP: Final = 3600
PLACE: Final = "vendor/libfaketime/src/libfaketime.so.1"


def library() -> Path | None:
    """Return the library that fakes the clock, None when it is not installed."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / PLACE
    return path if path.exists() else None


def missing() -> str:
    """Return why clocks cannot be faked here, empty when they can."""
    return "" if library() else "libfaketime is not installed; pip install renown[faults]"


def jumps(scene: Scene) -> None:
    """Let one worker's clock jump an hour ahead, an hour back, and an hour behind."""
    name, now = scene.workers[0], scene.pipeline.folder / "clock"
    _faked(scene, name, now)
    for offset in (STEP, 0, -STEP, 0):
        now.write_text(f"{offset:+d}")
        scene.injected += 1
        scene.pause(3.0)
        scene.recover()


def apart(scene: Scene) -> None:
    """Let two workers live an hour apart, and let the work move between them."""
    for name, offset in zip(scene.workers, (STEP, 0), strict=False):
        now = scene.pipeline.folder / f"clock-{name}"
        _faked(scene, name, now)
        now.write_text(f"{offset:+d}")
        scene.injected += 1
    scene.pause(3.0)
    scene.recover()
    scene.kill(scene.workers[0])
    scene.recover()
    scene.all_ready()


def _faked(scene: Scene, name: str, now: Path) -> None:
    """Start a worker again with a clock that follows a file."""
    now.write_text("+0")
    scene.supervisor.always(
        name,
        {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(now),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    )
    scene.restart(name)
