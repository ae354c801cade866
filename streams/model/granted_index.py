"""The index of a granted log: open addressing with linear probing over the keys of its acts.

Layout: `places` is a power of two long and holds number + 1 of the newest act with a key, 0 = free. `taken` (i8, by
number) holds the offset of the engagement that took an act back + 1, 0 = not taken back.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.credit import UNDO
from streams.model.compiled import compiled

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)


@compiled
def _place(entries: npt.NDArray[Any], places: npt.NDArray[np.int32], key: int) -> int:
    """Return where the key's act is, or the free place where it belongs."""
    mask = np.uint64(len(places) - 1)
    place = np.int64(((np.uint64(key) * _SPREAD) >> _SHIFT) & mask)
    while places[place] != 0 and entries[places[place] - 1].key != key:
        place = (place + 1) & np.int64(mask)
    return int(place)


@compiled
def number_of(entries: npt.NDArray[Any], places: npt.NDArray[np.int32], key: int) -> int:
    """Return the number of the newest act with this key, -1 for none."""
    return int(places[_place(entries, places, key)]) - 1


@compiled
def index(
    entries: npt.NDArray[Any],
    start: int,
    end: int,
    places: npt.NDArray[np.int32],
    taken: npt.NDArray[np.int64],
) -> None:
    """Enter entries `start`..`end` - 1, in order; room must be reserved."""
    for number in range(start, end):
        entry = entries[number]
        if entry.key == 0:
            continue
        place = _place(entries, places, entry.key)
        if not entry.marks & UNDO:
            places[place] = number + 1
        elif places[place] != 0:
            taken[places[place] - 1] = entry.offset + 1
