"""What comes in: bad records, the whole topic once more, and one user who is everybody's."""

from __future__ import annotations

import time
from statistics import quantiles
from typing import Final

from agents.faults.judge.log import records
from agents.faults.records import Record
from agents.faults.scene import PARTITIONS, Scene

LOAD_S: Final = 12.0
PART: Final = 20_000
POISONED: Final = "s[0-9]*-*[05]0"
"""The ids of every fiftieth act."""
BURST: Final = 20_000
PROBES: Final = 40
PROBE_EVERY_S: Final = 0.5
OTHERS_LIMIT_S: Final = 3.0


def bad_input(scene: Scene) -> None:
    """Let bad records come for a while, then send the whole topic once more."""
    scene.pause(LOAD_S)
    scene.injected += 1
    again(scene)


def again(scene: Scene, most: int | None = None) -> None:
    """Send every record of the topic once more, as a producer does that lost its place, or the `most` newest."""
    told = scene.deployment()
    held = sorted(records(told, told.topic("engagements"), PARTITIONS), key=lambda message: message.offset())
    for message in held if most is None else held[-most:]:
        scene.source.send(Record(message.key(), message.value()))
    scene.injected += 1
    scene.recover()


def again_a_part(scene: Scene) -> None:
    """Send the newest records of the topic once more."""
    again(scene, PART)


def poison(scene: Scene) -> None:
    """Let the model fail over some acts for a while, and kill a worker on the way."""
    scene.poisoned = POISONED
    scene.injected += 1
    scene.pause(LOAD_S)
    began = time.monotonic()
    scene.kill(scene.workers[0])
    scene.recover(began)
    scene.all_ready()


def hot_key(scene: Scene) -> None:
    """Measure what the pipeline can take of this stream, offer half of it, and time everybody else's scores."""
    scene.source.rate, slow = 0.0, scene.source.rate
    scene.wait(lambda: scene.lag() == 0, "a first rest")
    began = time.monotonic()
    scene.source.burst(BURST)
    scene.recover(began)
    scene.wait(lambda: scene.lag() == 0, "the burst counted")
    capacity = BURST / (time.monotonic() - began)
    scene.source.rate = max(slow, capacity / 2)
    scene.recovered_s.clear()
    lags = []
    for _ in range(PROBES):
        scene.injected += 1
        scene.recover()
        lags.append(scene.lag())
        scene.pause(PROBE_EVERY_S)
    slowest = quantiles(scene.recovered_s, n=100, method="inclusive")[98]
    scene.note(f"capacity {capacity:,.0f} events/s, offered {scene.source.rate:,.0f}; others' p99 {slowest:.2f} s")
    scene.expect(slowest < OTHERS_LIMIT_S, f"others waited {slowest:.1f} s (p99) beside a hot key")
    half = len(lags) // 2
    bounded = max(lags[half:]) <= 2 * max(*lags[:half], int(scene.source.rate))
    scene.expect(bounded, f"lag grew from {max(lags[:half]):,} to {max(lags[half:]):,} records")
