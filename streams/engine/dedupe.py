"""Which ids came before, exact over the last `horizon` to 2 `horizon` offsets, from the log alone.

Offsets are cut into generations of `horizon`. An id is a repeat when the same id stands earlier in its own or
in the generation before. Both sets are functions of the log, so nothing is persisted: a new owner reads at
most 2 `horizon` records again. Ids are 64-bit keyed hashes.

Memory layout: open addressing in u8[power of two], at most half full, 0 = free (a hash of 0 is kept as 1).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

import numpy as np
from numba import njit

from streams.engine.chunk import Chunk

_FIRST_PLACES: Final = 1 << 12
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
Hashes = Callable[[Chunk], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Of a chunk: offsets i8[n], id hashes u8[n], and u1[n] with 0 where the record has no readable id."""


@njit(cache=True, nogil=True)
def _place(table: np.ndarray, h: np.uint64) -> int:
    """Return where `h` is, or the free place where it belongs."""
    mask = np.uint64(len(table) - 1)
    place = np.int64(((h * _SPREAD) >> _SHIFT) & mask)
    while table[place] != 0 and table[place] != h:
        place = (place + 1) & np.int64(mask)
    return int(place)


@njit(cache=True, nogil=True)
def _mark_repeats(current: np.ndarray, before: np.ndarray, hashes: np.ndarray, keep: np.ndarray) -> int:
    """Set keep to 0 at repeats and enter every id into `current`; return how many are new there."""
    added = 0
    for i in range(len(hashes)):
        if keep[i] == 0:
            continue
        h = max(hashes[i], np.uint64(1))
        place = _place(current, h)
        if current[place] == h:
            keep[i] = 0
            continue
        # Entered also when the generation before holds it: else the sets would depend on where reading began.
        current[place] = h
        added += 1
        if before[_place(before, h)] == h:
            keep[i] = 0
    return added


@njit(cache=True, nogil=True)
def _moved(old: np.ndarray, new: np.ndarray) -> None:
    for h in old:
        if h != 0:
            new[_place(new, h)] = h


class Seen:
    """The ids of two generations up to `position`, the next offset to check."""

    def __init__(self, horizon: int, position: int) -> None:
        """Start as if nothing stood before `position` in the log."""
        self.horizon = horizon
        self.position = position
        self._generation = position // horizon
        self._current = np.zeros(_FIRST_PLACES, np.uint64)
        self._before = np.zeros(1, np.uint64)
        self._count = 0

    def check(self, offsets: np.ndarray, hashes: np.ndarray, keep: np.ndarray) -> None:
        """Set keep (u1[n]) to 0 where the id is a repeat, and where the offset was checked before.

        `offsets` i8[n] ascending, `hashes` u8[n]. Records with keep 0 on entry are left out; what makes them
        so must depend on their bytes alone, else a rebuilt set differs.
        """
        keep[: np.searchsorted(offsets, self.position)] = 0
        start = 0
        while start < len(offsets):
            self._enter(int(offsets[start]) // self.horizon)
            end = int(np.searchsorted(offsets, (self._generation + 1) * self.horizon))
            self._reserve(end - start)
            self._count += _mark_repeats(self._current, self._before, hashes[start:end], keep[start:end])
            start = end
        if len(offsets):
            self.position = max(self.position, int(offsets[-1]) + 1)

    def _enter(self, generation: int) -> None:
        if generation <= self._generation:
            return
        follows = generation == self._generation + 1
        self._before = self._current if follows else np.zeros(1, np.uint64)
        self._current = np.zeros(_FIRST_PLACES, np.uint64)
        self._count = 0
        self._generation = generation

    def _reserve(self, more: int) -> None:
        need = 2 * (self._count + more)
        if need > len(self._current):
            grown = np.zeros(1 << need.bit_length(), np.uint64)
            _moved(self._current, grown)
            self._current = grown


def first_needed(horizon: int, position: int) -> int:
    """Return the offset from which the log must be read again to check `position`."""
    return max(0, (position // horizon - 1) * horizon)


async def rebuilt(horizon: int, position: int, chunks: AsyncIterator[Chunk], hashes_of: Hashes) -> Seen:
    """Return the set as it stood at `position`, from the log's chunks `first_needed`..`position` - 1."""
    seen = Seen(horizon, first_needed(horizon, position))
    async for chunk in chunks:
        offsets, hashes, readable = hashes_of(chunk)
        end = int(np.searchsorted(offsets, position))
        seen.check(offsets[:end], hashes[:end], readable[:end].copy())
    seen.position = position
    return seen
