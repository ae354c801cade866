"""Running a history through the kernels as a pipeline would: partitions, chunks, both stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.kinds import KIND_CODE, KINDS
from streams.model.actor import price
from streams.model.parameters import Parameters
from streams.model.scoring import Reading, read
from streams.model.state import UserState
from streams.model.target import credit

DAY = 86_400.0
DEFAULT = Parameters()


class Event(NamedTuple):
    """One act; users are small numbers."""

    at: float
    actor: int
    target: int
    kind: str = "share"


@dataclass
class Granted:
    """What the actor stage made of acts, waiting to be credited."""

    events: list[Event]
    grants: np.ndarray
    established: np.ndarray
    increments: np.ndarray


class World:
    """`partitions` partitions; user u lives on u % partitions as row u // partitions."""

    def __init__(self, users: int, parameters: Parameters = DEFAULT, partitions: int = 1) -> None:
        self.users, self.parameters, self.partitions = users, parameters, partitions
        self.states = [UserState() for _ in range(partitions)]
        self.offsets = [0] * partitions
        self.credit_offsets = [0] * partitions
        for state in self.states:
            state.ensure(users // partitions + 1)

    def price(self, events: list[Event]) -> Granted:
        """Run the actor stage of one partition over acts of its users."""
        number = events[0].actor % self.partitions
        first = self.offsets[number]
        self.offsets[number] += len(events)
        slots = np.array([e.actor // self.partitions for e in events], np.int64)
        others = np.array([e.target for e in events], np.uint64)
        offsets = np.arange(first, first + len(events))
        keep = np.ones(len(events), np.uint8)
        kinds, at = _kinds(events), _instants(events)
        priced = price(self.states[number], slots, others, kinds, at, offsets, keep, self.parameters)
        return Granted(events, *priced)

    def credit(self, granted: Granted) -> None:
        """Run the target stages of all partitions over what one chunk granted."""
        for number in range(self.partitions):
            here = np.array([e.target % self.partitions == number for e in granted.events])
            if here.any():
                events = [e for e, mine in zip(granted.events, here, strict=True) if mine]
                self._credit(
                    number,
                    Granted(events, granted.grants[here], granted.established[here], granted.increments[here]),
                )

    def _credit(self, number: int, granted: Granted) -> None:
        events = granted.events
        slots = np.array([e.target // self.partitions for e in events], np.int64)
        others = np.array([e.actor for e in events], np.uint64)
        refs = np.array([_ref(e) for e in events], np.int64)
        keep = np.ones(len(events), np.uint8)
        columns = granted.grants, granted.established, granted.increments
        offset = self.credit_offsets[number]
        self.credit_offsets[number] += 1
        kinds, at = _kinds(events), _instants(events)
        credit(self.states[number], slots, others, kinds, at, *columns, refs, offset, keep, self.parameters)

    def run(self, events: list[Event]) -> Granted:
        """Run both stages over acts in order, on a world of one partition."""
        granted = self.price(events)
        self.credit(granted)
        return granted

    def rows(self) -> np.ndarray:
        """Return the rows of users 0..n-1."""
        return np.stack([self.states[u % self.partitions].rows[u // self.partitions] for u in range(self.users)])

    def read(self, at: float) -> Reading:
        """Return the reading of users 0..n-1."""
        return read(self.rows(), at, self.parameters)


def after(events: list[Event], users: int, parameters: Parameters = DEFAULT) -> World:
    """Return the world after `events`, in one chunk."""
    world = World(users, parameters)
    if events:
        world.run(events)
    return world


def _kinds(events: list[Event]) -> np.ndarray:
    return np.array([KIND_CODE[e.kind] for e in events], np.uint8)


def _instants(events: list[Event]) -> np.ndarray:
    return np.array([e.at for e in events], np.float64)


def _ref(event: Event) -> int:
    return KIND_CODE[event.kind] << 60 | int(event.at * 64) % (1 << 30) << 12 | event.actor << 6 | event.target


assert tuple(KIND_CODE) == KINDS
