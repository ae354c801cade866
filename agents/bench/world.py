"""A synthetic world: people with known appeal, communities, a daily rhythm, bots and bursts.

Every act is a function of the seed and its number, so that the world can be taken up anywhere.

Activity and appeal follow Zipf laws (`agents.bench.synthetic`), independently of one another. A person acts mostly
within his community, by appeal; bots act much, on anybody alike. The rate swings by RHYTHM over the day; each
community has its own hours. During a burst one person draws a part of everybody's acts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.bench.synthetic import ACTOR_SKEW, KIND_SHARES, TARGET_SKEW, Ints, user_names, zipf
from schemas.kinds import KIND_CODE, KINDS

DAY_MS: Final = 86_400_000
BLOCK_ACTS: Final = 1_000
RHYTHM: Final = 0.6
"""The rate lies between 1 - RHYTHM and 1 + RHYTHM of its mean, highest at 18:00 UTC."""
WIDEST_HOURS: Final = 4
"""Communities live up to so many hours earlier or later than that."""
HOME_SHARE: Final = 0.8
BOT_ACTIVITY: Final = 20.0
"""A bot acts so many times as often as people do on average."""
BURSTS_A_DAY: Final = 4
BURST_MS: Final = 30 * 60_000
BURST_SHARE: Final = 0.3
_PEAK: Final = 18 / 24
_STEPS: Final = 1_440
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts as columns of one length: positions of people, kinds, event times."""

    actors: Ints
    targets: Ints
    kinds: npt.NDArray[np.uint8]
    at_ms: Ints


@dataclass(slots=True)
class World:
    """The world of a seed: `per_day` acts a day on average, the first one at `start_ms`."""

    seed: int
    users: int
    communities: int
    bots: float
    per_day: float
    start_ms: int
    names: list[bytes] = field(init=False)
    community: Ints = field(init=False)
    activity: Floats = field(init=False)
    appeal: Floats = field(init=False)
    bot: npt.NDArray[np.bool_] = field(init=False)
    _hours: Floats = field(init=False)
    _until_now: Floats = field(init=False)
    _by_activity: Floats = field(init=False)
    _by_appeal: list[tuple[Ints, Floats]] = field(init=False)

    def __post_init__(self) -> None:
        """Draw who lives here."""
        random = np.random.default_rng([self.seed, self.users])
        self.names = user_names(self.users, self.seed, "world")
        self.community = zipf(random, self.users, self.communities, ACTOR_SKEW)
        self.bot = random.random(self.users) < self.bots
        self.activity = _weights(random, self.users, ACTOR_SKEW)
        self.activity[self.bot] = BOT_ACTIVITY / self.users
        self.appeal = _weights(random, self.users, TARGET_SKEW)
        self._hours = random.uniform(-WIDEST_HOURS, WIDEST_HOURS, self.communities) / 24
        self._by_activity = np.cumsum(self.activity)
        everybody = np.arange(self.users)
        homes = [np.flatnonzero(self.community == each) for each in range(self.communities)]
        self._by_appeal = [(who, np.cumsum(self.appeal[who])) for who in [*homes, everybody]]
        steps = np.arange(_STEPS + 1) / _STEPS
        self._until_now = np.concatenate(([0.0], np.cumsum(_rate((steps[1:] + steps[:-1]) / 2)) / _STEPS))

    def block(self, number: int) -> Acts:
        """Return the acts from `number` x BLOCK_ACTS on, in order of time."""
        random = np.random.default_rng([self.seed, self.users, number])
        at_ms = self.at_ms(number * BLOCK_ACTS + np.arange(BLOCK_ACTS))
        actors = self._actors(random, at_ms)
        kinds = random.choice(len(KINDS), BLOCK_ACTS, p=KIND_SHARES).astype(np.uint8)
        targets = self._targets(random, actors)
        drawn = (random.random(BLOCK_ACTS) < BURST_SHARE) & ~self.bot[actors]
        for begin_ms, person in self.bursts(int(at_ms[0]), int(at_ms[-1])):
            swept = drawn & (at_ms >= begin_ms) & (at_ms < begin_ms + BURST_MS)
            targets[swept], kinds[swept] = person, KIND_CODE["share"]
        kinds[self.bot[actors]] = KIND_CODE["like"]
        targets = np.where(targets == actors, (targets + 1) % self.users, targets)
        return Acts(actors, targets, kinds, at_ms)

    def at_ms(self, numbers: Ints) -> Ints:
        """Return when the acts of these numbers happen: the rate's integral, inverted."""
        midnight_ms = self.start_ms - self.start_ms % DAY_MS
        steps = np.arange(_STEPS + 1) / _STEPS
        past = np.interp((self.start_ms - midnight_ms) / DAY_MS, steps, self._until_now)
        days, part = np.divmod(numbers / self.per_day + past, 1.0)
        inside = days + np.interp(part, self._until_now, steps)
        found: Ints = np.maximum(midnight_ms + (inside * DAY_MS).astype(np.int64), self.start_ms)
        return found

    def bursts(self, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """Return begin and person of every burst that touches the span."""
        found: list[tuple[int, int]] = []
        for day in range((from_ms - BURST_MS) // DAY_MS, to_ms // DAY_MS + 1):
            random = np.random.default_rng([self.seed, self.users, abs(day), BURSTS_A_DAY])
            begins_ms = day * DAY_MS + random.integers(0, DAY_MS, BURSTS_A_DAY)
            people = _picked(random, *self._by_appeal[-1], BURSTS_A_DAY)
            found += zip(begins_ms.tolist(), people.tolist(), strict=True)
        return [each for each in sorted(found) if each[0] <= to_ms and each[0] + BURST_MS > from_ms]

    def truth(self) -> dict[str, Any]:
        """Return who is who, as JSON takes it; appeal and activity are shares of the whole."""
        columns = (self.names, self.community, self.activity / self.activity.sum(), self.appeal, self.bot)
        return {
            "seed": self.seed,
            "start_ms": self.start_ms,
            "acts_per_day": self.per_day,
            "bursts_of_the_first_day": [
                {"at_ms": at_ms, "user": self.names[person].decode()}
                for at_ms, person in self.bursts(self.start_ms, self.start_ms + DAY_MS)
            ],
            "people": [
                {"user": name.decode(), "community": home, "activity": activity, "appeal": appeal, "bot": bot}
                for name, home, activity, appeal, bot in zip(
                    columns[0], *(column.tolist() for column in columns[1:]), strict=True
                )
            ],
        }

    def _actors(self, random: np.random.Generator, at_ms: Ints) -> Ints:
        """Return who acts: by activity, a person whose community is asleep giving way to another one, once."""
        everybody = np.arange(self.users)
        first, second = (_picked(random, everybody, self._by_activity, BLOCK_ACTS) for _ in range(2))
        local = at_ms / DAY_MS + self._hours[self.community[first]]
        asleep = random.random(BLOCK_ACTS) * (1.0 + RHYTHM) > _rate(local)
        return np.where(asleep & ~self.bot[first], second, first)

    def _targets(self, random: np.random.Generator, actors: Ints) -> Ints:
        homes = self.community[actors]
        anywhere = random.random(BLOCK_ACTS) >= HOME_SHARE
        homes[anywhere] = self.communities
        targets = np.empty(BLOCK_ACTS, np.int64)
        for home in np.unique(homes).tolist():
            here = np.flatnonzero(homes == home)
            people, cumulated = self._by_appeal[int(home)]
            targets[here] = _picked(random, people, cumulated, len(here))
        bots = self.bot[actors]
        targets[bots] = random.integers(0, self.users, int(bots.sum()))
        return targets


def _rate(days: Floats) -> Floats:
    """Return the rate at these instants, in days, as a multiple of its mean."""
    swing: Floats = 1.0 + RHYTHM * np.cos(2.0 * np.pi * (days - _PEAK))
    return swing


def _weights(random: np.random.Generator, count: int, skew: float) -> Floats:
    ranks: Floats = 1.0 + random.permutation(count).astype(np.float64)
    weights: Floats = ranks**-skew / np.sum(ranks**-skew)
    return weights


def _picked(random: np.random.Generator, people: Ints, cumulated: Floats, count: int) -> Ints:
    """Return i8[count] of `people`, each drawn by its step in `cumulated`."""
    places = np.searchsorted(cumulated, random.random(count) * cumulated[-1], side="right")
    chosen: Ints = people[np.minimum(places, len(people) - 1)]
    return chosen
