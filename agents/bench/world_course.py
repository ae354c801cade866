"""The acts of a synthetic world in the order in which they are sent, an attack among them, from any place on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, NamedTuple, Self

import numpy as np

from agents.attack.injection import Facts, Injected
from agents.attack.scenarios import SCENARIOS
from agents.bench.synthetic import value_of
from agents.bench.world import BLOCK_ACTS, World
from schemas.errors import BadSettingError
from schemas.kinds import KINDS
from streams.model.parameters import PROFILES

_KINDS: Final = [kind.encode() for kind in KINDS]


class Place(NamedTuple):
    """Where a world stands: when it began, and how many acts of its own and of the attack are sent."""

    start_ms: int
    own: int = 0
    attack: int = 0

    def __str__(self) -> str:
        return ":".join(map(str, self))

    @classmethod
    def spelt(cls, text: str) -> Self:
        """Return the place that `text` spells; raise BadSettingError when it does not."""
        parts = text.split(":")
        if len(parts) != len(cls._fields) or not all(part.isascii() and part.isdecimal() for part in parts):
            raise BadSettingError("--cursor", text, "send start in ms, acts and attacking acts, as 1790000000000:500:0")
        return cls(*map(int, parts))


class Sent(NamedTuple):
    """An act: its time, its bytes, and where the world stands after it."""

    at_ms: int
    value: bytes
    place: Place


@dataclass(slots=True)
class Assault:
    """An attack in order of time; BadSettingError for a name that `renown attack --list` does not know."""

    world: World
    scenario: str
    size: int
    end_ms: int
    acts: Injected = field(init=False)
    names: list[bytes] = field(init=False)
    beneficiary: int = field(init=False)

    def __post_init__(self) -> None:
        """Choose somebody of middling appeal, and make the acts."""
        if self.scenario not in SCENARIOS:
            raise BadSettingError("--attack", self.scenario, f"send one of {', '.join(SCENARIOS)}")
        world = self.world
        people = np.flatnonzero(~world.bot)
        by_appeal = people[np.argsort(world.appeal[people])]
        self.beneficiary = int(by_appeal[len(people) // 2])
        tau_ms = int(PROFILES["default"].tau_s * 1000)
        facts = Facts(world.users, people, self.beneficiary, int(by_appeal[-1]), self.end_ms, tau_ms)
        found = SCENARIOS[self.scenario].build(facts, self.size, world.seed)
        order = np.argsort(found.at_ms, kind="stable")
        self.acts = Injected(
            found.actors[order], found.targets[order], found.kinds[order], found.at_ms[order], found.posts[order]
        )
        last = max(world.users, *(int(side.max(initial=0)) + 1 for side in (found.actors, found.targets)))
        self.names = [*world.names, *(b"world:attack-%d" % number for number in range(last - world.users))]

    def truth(self) -> dict[str, Any]:
        """Return what the attack is, as JSON takes it."""
        return {
            "attack": {
                "scenario": self.scenario,
                "beneficiary": self.names[self.beneficiary].decode(),
                "accounts": [name.decode() for name in self.names[self.world.users :]],
                "acts": len(self.acts),
                "end_ms": self.end_ms,
            }
        }


@dataclass(frozen=True, slots=True)
class Course:
    """All that a world sends: `last` acts of its own (None = without end) and an attack."""

    world: World
    last: int | None = None
    assault: Assault | None = None

    def acts(self, place: Place) -> Iterator[Sent]:
        """Yield both kinds of acts in one order of time, from `place` on."""
        own, blows = self._own(place.own), self._blows(place.attack)
        act, blow = next(own, None), next(blows, None)
        while act is not None or blow is not None:
            if act is None or (blow is not None and blow[0] <= act[0]):
                assert blow is not None
                place = place._replace(attack=place.attack + 1)
                yield Sent(*blow, place)
                blow = next(blows, None)
            else:
                place = place._replace(own=place.own + 1)
                yield Sent(*act, place)
                act = next(own, None)

    def _own(self, first: int) -> Iterator[tuple[int, bytes]]:
        names, series = self.world.names, b"world:%d" % self.world.seed
        for number in count(first // BLOCK_ACTS):
            block = self.world.block(number)
            columns = (block.actors, block.targets, block.kinds, block.at_ms)
            rows = zip(*(column.tolist() for column in columns), strict=True)
            for at, (actor, target, kind, at_ms) in enumerate(rows, number * BLOCK_ACTS):
                if self.last is not None and at >= self.last:
                    return
                if at >= first:
                    yield at_ms, value_of(at, _KINDS[kind], names[actor], names[target], at_ms, series)

    def _blows(self, first: int) -> Iterator[tuple[int, bytes]]:
        if self.assault is None:
            return
        acts, names = self.assault.acts, self.assault.names
        series = b"world:%d:attack" % self.world.seed
        rows = zip(*(column[first:].tolist() for column in acts.all_columns()), strict=True)
        for at, (actor, target, kind, at_ms, _post) in enumerate(rows, first):
            yield at_ms, value_of(at, _KINDS[kind], names[actor], names[target], at_ms, series)
