"""What the input alone says must be in the tables, in Redis and among the dead letters.

An act (actor and id) counts where its actor lives. Offsets there are cut into generations of the deduplication
horizon: a copy counts when no copy stands before it in its own generation or in the one before. A record under a
foreign key counts through the copy that workers append to its actor's partition, so an act that has only
foreign copies is still owed once.

An undo takes back the last copy that counted of the act with its id, actor and target, once, while the newest instant
that counted in the partition, its own included, is at most the undo window beyond the act's. What was done stays given.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agents.faults.judge.contract import KINDS, UNKEPT, Act, RefusedError, act_of, reason_against
from agents.faults.judge.deployment import Deployment
from agents.faults.judge.home import home_of

DAY_MS = 86_400_000
Place = tuple[int, int]
"""Partition and offset in the engagements topic."""


@dataclass
class Counted:
    """An act that counted: it can be taken back once."""

    act: Act
    is_undone: bool = False


@dataclass
class Ledger:
    """Per user and kind what is owed, per place the letter that is owed (reason and bytes)."""

    received: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(KINDS)))
    given: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(KINDS)))
    days: dict[bytes, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Place, tuple[str, bytes]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    records: int = 0
    events: int = 0
    repeats: int = 0
    rerouted: int = 0
    undone: int = 0
    poisoned: dict[bytes, list[tuple[Place, bytes]]] = field(default_factory=lambda: defaultdict(list))
    homes: dict[bytes, int] = field(default_factory=dict)


class Bookkeeper:
    """Writes the ledger, record by record in the order of each partition."""

    def __init__(self, deployment: Deployment, poisoned: frozenset[str]) -> None:
        self.ledger = Ledger()
        self._skew_ms = int(deployment.max_future_skew_s * 1000)
        self._horizon = deployment.dedupe_horizon
        self._partitions = deployment.partitions
        self._poisoned = frozenset(each.encode() for each in poisoned)
        self._generation: dict[tuple[bytes, bytes], int] = {}
        self._foreign: dict[tuple[bytes, bytes], Act] = {}
        self._window_ms = int(deployment.undo_window_s * 1000)
        self._counted: dict[tuple[int, bytes, bytes, bytes], Counted] = {}
        self._newest: dict[int, int] = defaultdict(int)

    def enter(self, value: bytes | None, place: Place, appended_ms: int) -> None:
        """Enter one record of the engagements topic."""
        self.ledger.records += 1
        try:
            act = act_of(value)
        except RefusedError as refused:
            self._refuse(refused.reason, place, value)
            return
        reason = reason_against(act, appended_ms, self._skew_ms)
        if reason is not None:
            self._refuse(reason, place, value)
        else:
            self._admit(act, place, value or b"")

    def closed(self) -> Ledger:
        """Return the ledger with acts that never reached their actor's partition owed as well."""
        for name, act in self._foreign.items():
            if name not in self._generation:
                self._owe(act)
        return self.ledger

    def _refuse(self, reason: str, place: Place, value: bytes | None) -> None:
        self.ledger.refused[reason] += 1
        if reason != UNKEPT:
            self.ledger.letters[place] = (reason, value or b"")

    def _home(self, user: bytes) -> int:
        home = self.ledger.homes.get(user)
        if home is None:
            home = self.ledger.homes[user] = home_of(user, self._partitions)
        return home

    def _admit(self, act: Act, place: Place, value: bytes) -> None:
        name, partition = (act.actor, act.id), place[0]
        if act.id in self._poisoned:
            self.ledger.poisoned[act.id].append((place, value))
        elif self._home(act.actor) != partition:
            self.ledger.rerouted += 1
            if not act.undo:
                self._foreign.setdefault(name, act)
        elif act.undo:
            self._take_back(act, place, value)
        else:
            generation = place[1] // self._horizon
            before, self._generation[name] = self._generation.get(name), generation
            if before is not None and before >= generation - 1:
                self.ledger.repeats += 1
            else:
                self._owe(act)
                self._counted[partition, act.actor, act.id, act.target] = Counted(act)
                self._newest[partition] = max(self._newest[partition], act.at_ms)

    def _take_back(self, undo: Act, place: Place, value: bytes) -> None:
        found = self._counted.get((place[0], undo.actor, undo.id, undo.target))
        newest = max(self._newest[place[0]], undo.at_ms)
        if found is None or newest - found.act.at_ms > self._window_ms:
            self._refuse("undo_unknown", place, value)
        elif found.is_undone:
            self.ledger.repeats += 1
        else:
            found.is_undone, self._newest[place[0]] = True, newest
            self.ledger.undone += 1
            self.ledger.received[undo.target][found.act.kind] -= 1
            self.ledger.days[undo.target].remove((found.act.at_ms // DAY_MS, found.act.kind))

    def _owe(self, act: Act) -> None:
        self.ledger.events += 1
        self.ledger.received[act.target][act.kind] += 1
        self.ledger.given[act.actor][act.kind] += 1
        self.ledger.days[act.target].append((act.at_ms // DAY_MS, act.kind))


def ledger_of(messages: Iterable[Any], deployment: Deployment, poisoned: frozenset[str]) -> Ledger:
    """Return the ledger of the engagements topic's messages."""
    books = Bookkeeper(deployment, poisoned)
    for message in messages:
        books.enter(message.value(), (message.partition(), message.offset()), message.timestamp()[1])
    return books.closed()
