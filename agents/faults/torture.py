"""A seeded random sequence of faults on one pipeline under load, judged at the end.

What comes when is drawn from the seed alone, and so is every choice within a fault: the same seed does the same
things in the same order, for as long as it is told to.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from agents.faults.acts import broker, rebalance, store, stream, workers
from agents.faults.judge import Verdict
from agents.faults.outcome import Outcome, judged
from agents.faults.scene import Scene
from schemas.errors import RenownError

CALM_S: Final = (0.0, 8.0)
REST_EVERY: Final = 25
"""Steps after which the whole is judged: what is wrong is then known by its neighbourhood."""
STEPS: Final[dict[str, tuple[float, Callable[[Scene], None]]]] = {
    "kill": (6.0, workers.once),
    "kill-both": (1.5, workers.both),
    "crash-point": (4.0, workers.at_some_crash_point),
    "zombie": (1.0, workers.zombie_once),
    "come-or-go": (4.0, rebalance.change),
    "broker-kill": (1.5, broker.once),
    "broker-stall": (2.0, broker.stall),
    "redis-kill": (1.0, store.killed),
    "redis-empty": (1.0, store.emptied),
    "redis-flushed": (1.0, store.flushed),
    "redis-full": (1.0, store.full),
    "redis-read-only": (1.0, store.read_only),
    "redis-hanging": (1.0, store.hanging),
    "replay": (0.2, stream.again_a_part),
    "agent-kill": (1.5, workers.agent),
}
"""What may happen, with its weight in the draw."""


def schedule(seed: int) -> Iterator[tuple[str, int]]:
    """Yield the names of the faults to come, each with the seed of its own choices, without end.

    >>> from itertools import islice
    >>> list(islice(schedule(1), 3)) == list(islice(schedule(1), 3))
    True
    """
    chance = random.Random(seed)
    names, weights = list(STEPS), [weight for weight, _ in STEPS.values()]
    while True:
        yield chance.choices(names, weights)[0], chance.getrandbits(32)


@dataclass
class Torture:
    """One run on a scene: what was done how often, and how fast each time something new was readable."""

    scene: Scene
    seed: int
    say: Callable[[str], None]
    done: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    recovered_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def run(self, minutes: float) -> list[Outcome]:
        """Return an outcome for each kind of fault, and one for the whole, which holds the counts."""
        began = time.monotonic()
        verdict: Verdict | None = None
        for number, (name, own_seed) in enumerate(schedule(self.seed), 1):
            if time.monotonic() - began > 60 * minutes or not self._step(name, own_seed, number, began):
                break
            if number % REST_EVERY == 0:
                verdict = self._judged()
                if verdict.faults:
                    break
                self.scene.load_again()
        return self._outcomes(verdict if verdict and verdict.faults else self._judged(), time.monotonic() - began)

    def _step(self, name: str, own_seed: int, number: int, began: float) -> bool:
        """Do one thing; return whether the pipeline survived it."""
        scene = self.scene
        scene.chance = random.Random(own_seed)
        calm_s = scene.chance.uniform(*CALM_S)
        self.say(f"{time.monotonic() - began:7.1f} s  step {number}: {name} (after {calm_s:.1f} s of calm)")
        time.sleep(calm_s)
        before = len(scene.recovered_s)
        try:
            STEPS[name][1](scene)
        except RenownError as error:
            scene.problems.append(f"step {number}, {name}: {error}")
            return False
        self.done[name] += 1
        self.recovered_s[name] += scene.recovered_s[before:]
        return True

    def _judged(self) -> Verdict:
        rebalance.at_least_two(self.scene)
        verdict = self.scene.verdict()
        self.say("           judged: " + verdict.text().splitlines()[0])
        return verdict

    def _outcomes(self, verdict: Verdict, seconds: float) -> list[Outcome]:
        scene = self.scene
        rows = [
            Outcome(name, name, injected=count, recovery_s=tuple(round(each, 2) for each in self.recovered_s[name]))
            for name, count in self.done.items()
        ]
        for name, examples in verdict.examples.items():
            scene.problems += [f"{name}: {example}" for example in examples[:3]]
        beside = {
            "injected": sum(self.done.values()),
            "recovery_s": tuple(round(each, 2) for each in scene.recovered_s),
            "problems": tuple(scene.problems + scene.supervisor.problems),
            "seconds_s": round(seconds, 1),
        }
        return [*rows, judged("all", f"torture with seed {self.seed}", verdict, len(scene.source.acts), beside)]
