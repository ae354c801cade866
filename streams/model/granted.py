"""The granted log of a partition: what its users' acts gave lately, found again by an undo and taken back once.

An act can be taken back while the newest instant among the partition's acts and undos is at most the window beyond it.
All of it follows from the log of engagements alone, so after a crash every undo is decided as it was before, however
much of the log had become durable: an entry that is here already is not entered again, and what came later than an
undo is not looked at.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.credit import UNDO
from schemas.granted import GRANTED
from streams.model.granted_index import index, number_of
from streams.model.granted_segments import Change, Segments

_FIRST_CAPACITY: Final = 256
_GROWTH: Final = 1.25
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Entries = npt.NDArray[Any]


class Refusal(Enum):
    """Why nothing is taken back: there is nothing in the window, or it is taken back already."""

    UNKNOWN = auto()
    REPEATED = auto()


class GrantedLog:
    """Entries (GRANTED) in order of offset, numbered from `_start` to `_end` - 1 in one array."""

    def __init__(self) -> None:
        self.window_s = np.inf
        self._segments = Segments()
        self._replace(np.zeros(0, GRANTED))

    def _replace(self, entries: Entries) -> None:
        """Have the log hold `entries` alone."""
        self._entries = np.zeros(max(int(len(entries) * _GROWTH), _FIRST_CAPACITY), GRANTED)
        self._entries[: len(entries)] = entries
        self._start, self._end = 0, len(entries)
        self._newest = float(entries["at"].max()) if len(entries) else -np.inf
        self._unindex()

    def _unindex(self) -> None:
        self._places: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._taken: Ints = np.zeros(0, np.int64)
        self._indexed_from = self._indexed = self._start

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self.entries)

    @property
    def entries(self) -> Entries:
        """The entries in order of offset, a view."""
        if self._segments.loaded:
            self._replace(self._segments.merged(self._entries[self._start : self._end]))
        return self._entries[self._start : self._end]

    @property
    def nbytes(self) -> int:
        """Memory held by the log and, once there was an undo, its index."""
        return self._entries.nbytes + self._places.nbytes + self._taken.nbytes

    @property
    def position(self) -> int:
        """The offset of the newest entry, -1 for none."""
        entries = self.entries
        return int(entries["offset"][-1]) if len(entries) else -1

    @property
    def is_dirty(self) -> bool:
        """Whether anything here is not in the changelog yet."""
        return self._segments.rewritten or self._segments.written < self._end - self._start

    def add(
        self, keys: Hashes, at: Floats, mass: Floats, offsets: Ints, marks: Any, actors: Hashes, targets: Hashes
    ) -> None:
        """Enter acts in order of offset, but for those that are here and those that are beyond the window."""
        if self.window_s <= 0 or not len(at):
            return
        fresh = int(np.searchsorted(offsets, self.position, side="right"))
        newest = np.maximum(np.maximum.accumulate(at), self._newest)
        chosen: Any = slice(fresh, None)
        within = newest - at <= self.window_s
        if not within.all():
            chosen = fresh + np.flatnonzero(within[fresh:])
        into = self._room(len(at[chosen]))
        for name, column in (
            ("key", np.maximum(keys, np.uint64(1))),
            ("at", at),
            ("mass", mass),
            ("offset", offsets),
            ("marks", marks),
            ("actor", actors & np.uint64(0xFFFFFFFF)),
            ("target", targets & np.uint64(0xFFFFFFFF)),
        ):
            into[name] = column[chosen]
        if len(into):
            self._newest = max(self._newest, float(into["at"].max()))

    def _room(self, count: int) -> Entries:
        """Return `count` more entries to be filled."""
        if self._end + count > len(self._entries):
            live = self._entries[self._start : self._end]
            grown = np.zeros(max(int(len(live) * _GROWTH), len(live) + count, _FIRST_CAPACITY), GRANTED)
            grown[: len(live)] = live
            moved, self._entries, self._start, self._end = self._start, grown, 0, len(live)
            if moved:
                self._unindex()
        into = self._entries[self._end : self._end + count]
        self._end += count
        return into

    def take(self, key: int, at: float, offset: int) -> Any:
        """Return the entry of the act that the undo at `offset`, of instant `at`, takes back, noting so; else why not.

        The undo that took an act back is given it again: its effects may not have become durable.
        """
        entries = self.entries
        number = self._find(max(key, 1), offset) if self.window_s > 0 else -1
        if number < 0:
            return Refusal.UNKNOWN
        entry = self._entries[number].copy()
        newest = self._newest
        if offset <= self.position:
            newest = float(entries["at"][: np.searchsorted(entries["offset"], offset)].max())
        if max(newest, at) - float(entry["at"]) > self.window_s:
            return Refusal.UNKNOWN
        taken_by = int(self._taken[number]) - 1
        if taken_by < 0:
            self._mark(entry, at, offset)
        elif taken_by != offset:
            return Refusal.REPEATED
        return entry

    def _mark(self, entry: Any, at: float, offset: int) -> None:
        into = self._room(1)
        into[0] = entry
        into["at"], into["mass"], into["offset"], into["marks"] = at, 0.0, offset, UNDO
        self._newest = max(self._newest, at)

    def _find(self, key: int, before: int) -> int:
        """Return the number of the newest act with this key that stands before an offset, -1 for none."""
        self._index()
        number = number_of(self._entries, self._places, np.uint64(key))  # type: ignore[arg-type]
        if number < self._start:
            return -1
        if int(self._entries["offset"][number]) < before:
            return number
        live = self.entries
        same = (live["key"] == np.uint64(key)) & (live["marks"] & UNDO == 0) & (live["offset"] < before)
        found = np.flatnonzero(same)
        return self._start + int(found[-1]) if len(found) else -1

    def _index(self) -> None:
        if 2 * (self._end - self._indexed_from) >= len(self._places):
            self._places = np.zeros(1 << (2 * (self._end - self._start) + 1).bit_length(), np.int32)
            self._indexed_from = self._indexed = self._start
        if len(self._taken) < len(self._entries):
            taken = np.zeros(len(self._entries), np.int64)
            taken[: len(self._taken)] = self._taken
            self._taken = taken
        index(self._entries, self._indexed, self._end, self._places, self._taken)
        self._indexed = self._end

    def forget(self, hashes: Hashes) -> None:
        """Blank what is by or about users with these key hashes (u8[n])."""
        entries = self.entries
        halves = (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        gone = np.flatnonzero(np.isin(entries["actor"], halves) | np.isin(entries["target"], halves))
        for name in ("key", "mass", "actor", "target", "marks"):
            entries[name][gone] = 0
        if len(gone):
            self._segments.rewrite(gone)
            self._unindex()

    def load(self, first: int, entries: Entries | None) -> None:
        """Take in a segment read back from the changelog, None when it is gone."""
        self._segments.load(first, entries)

    def changes(self) -> list[Change]:
        """Return what changed since the last call, as (first offset, entries or None when expired)."""
        entries = self.entries
        expired, changes = self._segments.changes(entries, self._newest - self.window_s)
        self._start += expired
        self._indexed = max(self._indexed, self._start)
        return changes
