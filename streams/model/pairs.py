"""A partition's pair slots: what each of its users granted, gave to and got from each other person."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.rows import PAIR, empty_pairs
from streams.model.pair_index import PairColumns, add_all, find_all, reindex
from streams.model.parameters import Parameters

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Records = npt.NDArray[Any]

_FIRST_CAPACITY: Final = 1024
_FREE_PER_PAIR: Final = 2
"""Index places per pair at the fullest: a load of at most one half keeps probes short."""


class PairTable:
    """Slots keyed by (user slot, hash of the other), numbered densely; numbers hold until `remove`."""

    def __init__(self) -> None:
        self._allocate(_FIRST_CAPACITY)

    def _allocate(self, capacity: int) -> None:
        self._columns = PairColumns(
            places=np.zeros(capacity * _FREE_PER_PAIR, np.int32),
            users=np.zeros(capacity, np.int64),
            others=np.zeros(capacity, np.uint64),
            slots=empty_pairs(capacity),
            dirty=np.zeros(capacity, np.bool_),
            size=np.zeros(1, np.int64),
        )

    def __len__(self) -> int:
        return int(self._columns.size[0])

    @property
    def users(self) -> Ints:
        """The user slot of every pair, a view."""
        return self._columns.users[: len(self)]

    @property
    def others(self) -> Hashes:
        """The hash of the other of every pair, a view."""
        return self._columns.others[: len(self)]

    @property
    def slots(self) -> Records:
        """The slot of every pair, dtype PAIR, a view."""
        return self._columns.slots[: len(self)]

    @property
    def dirty(self) -> npt.NDArray[np.bool_]:
        """Whether each pair changed since it was last marked clean, a view."""
        return self._columns.dirty[: len(self)]

    @property
    def nbytes(self) -> int:
        """Memory held by the table."""
        return sum(column.nbytes for column in self._columns)

    def reserved(self, extra: int) -> PairColumns:
        """Return the arrays for a kernel that adds at most `extra` pairs; views taken before may be stale."""
        needed = len(self) + extra
        if needed > len(self._columns.users):
            self._rebuild(np.arange(len(self)), 1 << (needed - 1).bit_length())
        return self._columns

    def _rebuild(self, kept: Ints, capacity: int) -> None:
        old = self._columns
        self._allocate(max(capacity, _FIRST_CAPACITY))
        new = self._columns
        for before, after in (
            (old.users, new.users),
            (old.others, new.others),
            (old.slots, new.slots),
            (old.dirty, new.dirty),
        ):
            after[: len(kept)] = before[kept]
        new.size[0] = len(kept)
        reindex(new)

    def find(self, users: Ints, others: Hashes) -> Ints:
        """Return the number of every pair, -1 where there is none."""
        return find_all(self._columns, users, others)

    def find_or_add(self, users: Ints, others: Hashes) -> Ints:
        """Return the number of every pair, an empty slot added where there was none."""
        return add_all(self.reserved(len(users)), users, others)

    def load(self, users: Ints, others: Hashes, values: Records) -> None:
        """Enter slots read back from the changelog, clean; of a repeated pair the last one holds."""
        numbers = self.find_or_add(users, others)
        self._columns.slots[numbers] = values.astype(PAIR, copy=False)
        self._columns.dirty[numbers] = False

    def dirty_indices(self) -> Ints:
        """Return the numbers of the pairs that changed since they were last marked clean."""
        return np.flatnonzero(self.dirty)

    def mark_clean(self, numbers: Ints) -> None:
        """Forget that these pairs changed: their present values are on their way to the changelog."""
        self._columns.dirty[numbers] = False

    def remove(self, gone: npt.NDArray[np.bool_]) -> tuple[Ints, Hashes]:
        """Drop the pairs where `gone`; return their (user slots, hashes). Renumbers what stays."""
        users, others = self.users[gone], self.others[gone]
        if len(users):
            kept = np.flatnonzero(~gone)
            self._rebuild(kept, 1 << max(len(kept) - 1, 1).bit_length())
        return users, others

    def expire(self, at: float, parameters: Parameters) -> tuple[Ints, Hashes]:
        """Drop what reads as empty at `at` and admirers beyond the bound; return (user slots, hashes).

        `at` must not be later than any event still to come, else an event in between finds its slot gone
        and is priced as a first one. A pair's own next touch would have read the dropped side as empty
        too, so dropping changes nobody's price; a relationship moves by less than the floor.
        """
        return self.remove(self._empty(at, parameters) | self._crowded(int(parameters.max_admirers)))

    def _empty(self, at: float, parameters: Parameters) -> npt.NDArray[np.bool_]:
        slots, p = self.slots, parameters
        since_given = np.maximum(at - slots["given_at"], 0.0)
        since_got = np.maximum(at - slots["got_at"], 0.0)
        granted = slots["granted"] * np.exp2(-since_given / p.pair_half_life_s)
        given = slots["given"] * np.exp2(-since_given / p.bond_half_life_s)
        got = slots["got"] * np.exp2(-since_got / p.bond_half_life_s)
        empty: npt.NDArray[np.bool_] = np.maximum(np.maximum(granted, given), got) < p.pair_floor
        return empty

    def _crowded(self, bound: int) -> npt.NDArray[np.bool_]:
        """Return where a pair is one-way (the user never acted) and beyond its user's newest `bound`."""
        crowded = np.zeros(len(self), np.bool_)
        one_way = np.flatnonzero(self.slots["given_at"] == -np.inf)
        if len(one_way) <= bound:
            return crowded
        users, got_at = self.users[one_way], self.slots["got_at"][one_way]
        order = np.lexsort((self.others[one_way], -got_at, users))
        ordered = users[order]
        rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
        crowded[one_way[order[rank >= bound]]] = True
        return crowded
