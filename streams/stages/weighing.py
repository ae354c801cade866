"""What a chunk's engagements give and take back, in order: acts are priced, undos looked up in the granted log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from schemas.credit import ESTABLISHED, KIND_MASK
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from streams.model.actor import price
from streams.model.granted import Refusal
from streams.model.isolation import NOT_FINITE, Poison
from streams.model.undo import take_back
from streams.stages.columns import Columns, Users

if TYPE_CHECKING:
    from streams.engine.partition import Partition
    from streams.model.parameters import Parameters

_UNKNOWN = BadRecordError(
    Reason.UNDO_UNKNOWN,
    "no act of this id, actor and target within undo_window_s before it; one that came too early can be retried",
)


@dataclass(slots=True)
class Weighed:
    """What came of m engagements: `fresh` u1[m] = to be forwarded, with mass f8, established u1, reach f8 beside.

    `columns` are those of the chunk, those of undos saying what the act did, whose offsets `undone` (i8 by engagement)
    holds, -1 for no undo; None when there is none. `poison` and `refused` tell of engagements by index.
    """

    columns: Columns
    fresh: np.ndarray
    mass: np.ndarray
    established: np.ndarray
    reach: np.ndarray
    undone: np.ndarray | None = None
    repeats: int = 0
    poison: Poison = field(default_factory=Poison)
    refused: list[tuple[int, BadRecordError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Weighing:
    """Engagements of one chunk to be weighed: `chosen` (i8[m]) are indices into `columns`.

    By engagement, `undos` (b1[n]) says which take back, `at` (f8[n], seconds) when each happened. `accounts` u8 are the
    hashes of users as the engagements name them, whoever they count for.
    """

    partition: Partition
    columns: Columns
    chosen: np.ndarray
    undos: np.ndarray
    at: np.ndarray
    accounts: np.ndarray
    parameters: Parameters

    def weighed(self) -> Weighed:
        """Weigh all of them, in order."""
        count = len(self.chosen)
        w = Weighed(self.columns, np.ones(count, np.uint8), np.zeros(count), np.zeros(count, np.uint8), np.zeros(count))
        is_undo = self.undos[self.chosen]
        if not count:
            return w
        if is_undo.any():
            w.undone = np.full(len(self.at), -1)
            w.columns = replace(self.columns, kinds=self.columns.kinds.copy(), at=self.columns.at.copy())
        slots = _slots(self.partition, self.columns.users, self.columns.actors[self.chosen[~is_undo]])
        cuts = np.flatnonzero(np.diff(is_undo)) + 1
        for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), count], strict=True):
            if is_undo[start]:
                self._take_back(w, start, end)
            else:
                here, slots = slots[: end - start], slots[end - start :]
                self._price(w, start, end, here)
        return w

    def _keys(self, chosen: np.ndarray) -> np.ndarray:
        """Return what an undo and its act share (u8): id, actor and target."""
        c = self.columns
        keys: np.ndarray = c.acts[chosen] + self.accounts[c.targets[chosen]] * np.uint64(5)
        return keys

    def _price(self, w: Weighed, start: int, end: int, slots: np.ndarray) -> None:
        """Price the acts `start`..`end` - 1 of those chosen, by actors in `slots`, and log what they were granted."""
        c, here, poison = self.columns, self.chosen[start:end], Poison()
        others = c.users.hashes[c.targets[here]]
        kinds, at, offsets, fresh = c.kinds[here], self.at[here], c.offsets[here], w.fresh[start:end]
        mass, established, reach = price(
            self.partition.state, slots, others, kinds, at, offsets, fresh, self.parameters, poison
        )
        w.mass[start:end], w.established[start:end], w.reach[start:end] = mass, established, reach
        w.poison += [(int(here[i]), error) for i, error in poison]
        new = slice(None) if fresh.all() else np.flatnonzero(fresh)
        actors, targets = self.accounts[c.actors[here][new]], self.accounts[c.targets[here][new]]
        marks = kinds[new] + ESTABLISHED * established[new]
        self.partition.granted.add(self._keys(here)[new], at[new], mass[new], offsets[new], marks, actors, targets)

    def _take_back(self, w: Weighed, start: int, end: int) -> None:
        """Have the actors take back what the undos `start`..`end` - 1 of those chosen speak of."""
        c, here = self.columns, self.chosen[start:end]
        for q, (i, key) in enumerate(zip(here.tolist(), self._keys(here).tolist(), strict=True), start):
            self._look_up(w, q, i, key)
        known = start + np.flatnonzero(w.fresh[start:end])
        taken = self.chosen[known]
        actors, others = c.actors[taken], c.users.hashes[c.targets[taken]]
        slots = self.partition.slots_at(c.users.buf, c.users.start[actors], c.users.length[actors])
        fresh = np.ones(len(taken), np.uint8)
        state, at = self.partition.state, w.columns.at[taken]
        take_back(state, slots, others, at, w.mass[known], c.offsets[taken], fresh, self.parameters)
        w.fresh[known] = fresh

    def _look_up(self, w: Weighed, q: int, i: int, key: int) -> None:
        """Have engagement `i`, an undo and number `q` of those chosen, say what its act had given, or be refused."""
        at = float(self.at[i])
        if not np.isfinite(at):
            w.fresh[q] = 0
            w.poison.append((i, ValueError(NOT_FINITE)))
            return
        found = self.partition.granted.take(key, at, int(self.columns.offsets[i]))
        if isinstance(found, Refusal):
            w.fresh[q] = 0
            w.repeats += found is Refusal.REPEATED
            w.refused += [(i, _UNKNOWN)] if found is Refusal.UNKNOWN else []
            return
        w.columns.kinds[i], w.columns.at[i] = found["marks"] & KIND_MASK, found["at"]
        w.mass[q], w.established[q] = found["mass"], found["marks"] & ESTABLISHED != 0
        if w.undone is not None:
            w.undone[i] = found["offset"]


def _slots(partition: Partition, users: Users, actors: np.ndarray) -> np.ndarray:
    """Return the row (i8[n]) of each of `actors` (indices into `users`); every user is looked up once."""
    slots = np.zeros(len(users.start), np.int64)
    slots[actors] = 1
    acting = np.flatnonzero(slots)
    slots[acting] = partition.slots_at(users.buf, users.start[acting], users.length[acting])
    rows: np.ndarray = slots[actors]
    return rows
