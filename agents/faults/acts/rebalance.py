"""Workers that come and go all the time."""

from __future__ import annotations

import signal
import time
from typing import Final

from agents.faults.acts.workers import leave
from agents.faults.scene import Scene

STORM_S: Final = 60.0


def storm(scene: Scene) -> None:
    """For a minute, every few seconds a worker joins or leaves, half of them killed; at least one stays."""
    until = time.monotonic() + STORM_S
    while time.monotonic() < until:
        change(scene)
    at_least_two(scene)
    scene.recover()


def at_least_two(scene: Scene) -> None:
    """Bring back the workers that the scene began with."""
    for name in ("worker-0", "worker-1"):
        if name not in scene.workers:
            scene.supervisor.keep(name)
    scene.all_ready()


def change(scene: Scene) -> None:
    """Let one worker join or leave."""
    away = [f"worker-{number}" for number in range(4) if f"worker-{number}" not in scene.workers]
    if away and (len(scene.workers) < 2 or scene.chance.random() < 0.5):  # noqa: PLR2004
        scene.supervisor.keep(away[0])
        scene.injected += 1
    else:
        number = scene.chance.choice([signal.SIGTERM, signal.SIGKILL])
        leave(scene, scene.chance.choice(scene.workers), number)
    scene.pause(1.0, 4.0)
