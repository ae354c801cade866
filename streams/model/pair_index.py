"""The index of pair slots: open addressing with linear probing over (user slot, hash of the other).

Layout: dense arrays `users`, `others`, `slots`, `dirty` hold pair number 0..count-1 in order of arrival;
`places` is a power of two long and holds pair number + 1, 0 = empty. Kernels never grow anything:
the caller reserves room for every pair that a call may add.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.model.compiled import compiled


class PairColumns(NamedTuple):
    """The arrays of a pair table as kernels take them."""

    places: npt.NDArray[np.int32]
    users: npt.NDArray[np.int64]
    others: npt.NDArray[np.uint64]
    slots: npt.NDArray[Any]
    dirty: npt.NDArray[np.bool_]
    size: npt.NDArray[np.int64]  # one element: how many pairs there are


@compiled
def _start(user: int, other: int, mask: int) -> int:
    mixed = np.uint64(other) ^ (np.uint64(user) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(mask))  # type: ignore[return-value]


@compiled
def place_of(pairs: PairColumns, user: int, other: int) -> tuple[int, int]:
    """Return the place of the pair in the index, and its number.

    A pair that is not there has the free place where it belongs, and the number that the next pair gets: the slot
    of that number is empty.
    """
    mask = len(pairs.places) - 1
    place = _start(user, other, mask)
    while True:
        entry = np.int64(pairs.places[place]) - 1
        if entry < 0:
            return place, int(pairs.size[0])
        if pairs.users[entry] == user and pairs.others[entry] == other:
            return place, int(entry)
        place = (place + 1) & mask


@compiled
def find(pairs: PairColumns, user: int, other: int) -> int:
    """Return the number of the pair (user slot, other), or -1."""
    _, number = place_of(pairs, user, other)
    return number if number < pairs.size[0] else -1


@compiled
def enter(pairs: PairColumns, place: int, user: int, other: int) -> None:
    """Add a pair at the free place where it belongs; room must be reserved."""
    number = pairs.size[0]
    pairs.users[number] = user
    pairs.others[number] = other
    pairs.places[place] = number + 1
    pairs.size[0] = number + 1


@compiled
def find_or_add(pairs: PairColumns, user: int, other: int) -> int:
    """Return the number of the pair, adding an empty slot when it is new; room must be reserved."""
    place, number = place_of(pairs, user, other)
    if number == pairs.size[0]:
        enter(pairs, place, user, other)
    return number


@compiled
def find_all(pairs: PairColumns, users: npt.NDArray[np.int64], others: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the number of every pair, -1 where there is none."""
    numbers = np.empty(len(users), np.int64)
    for i in range(len(users)):
        numbers[i] = find(pairs, users[i], others[i])
    return numbers


@compiled
def add_all(pairs: PairColumns, users: npt.NDArray[np.int64], others: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the number of every pair, added where new."""
    numbers = np.empty(len(users), np.int64)
    for i in range(len(users)):
        numbers[i] = find_or_add(pairs, users[i], others[i])
    return numbers


@compiled
def reindex(pairs: PairColumns) -> None:
    """Enter every pair into an index that holds none."""
    mask = len(pairs.places) - 1
    for number in range(pairs.size[0]):
        place = _start(pairs.users[number], pairs.others[number], mask)
        while pairs.places[place] != 0:
            place = (place + 1) & mask
        pairs.places[place] = number + 1
