"""Granted events sorted into one credit record per target partition.

Memory layout: counting sorts by partition. `sizes` (i8[3, partitions]) are how many events, distinct targets and
bytes of their names a partition gets; `places` (the same shape) where its next one goes, so at first the sums of
the sizes before. Within a partition, events keep their order, and targets that of `Users`, which is the one
in memory: names are then read in one sweep.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit

from schemas.credit import ESTABLISHED, EVENT, UNDO, Credits
from schemas.errors import BrokenGuaranteeError
from streams.stages.columns import Columns

_EVENTS, _TARGETS, _BYTES = range(3)


@njit(cache=True, nogil=True)
def _measure(targets: np.ndarray, homes: np.ndarray, length: np.ndarray, number: np.ndarray, sizes: np.ndarray) -> None:
    """Add up `sizes`, 0 at first, and set `number` (i8 by user, -1 at first) to 0 for every target."""
    for target in targets:
        home = homes[target]
        sizes[_EVENTS, home] += 1
        if number[target] < 0:
            number[target] = 0
            sizes[_TARGETS, home] += 1
            sizes[_BYTES, home] += length[target]


@njit(cache=True, nogil=True)
def _name(
    buf: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    homes: np.ndarray,
    places: np.ndarray,
    number: np.ndarray,
    lengths: np.ndarray,
    names: np.ndarray,
) -> None:
    """Fill `lengths` (u2) and `names` (u1), and set the `number` of every target to its place in `lengths`."""
    for user in range(len(number)):
        if number[user] >= 0:
            home = homes[user]
            place, at = places[_TARGETS, home], places[_BYTES, home]
            number[user] = place
            lengths[place] = length[user]
            for q in range(length[user]):
                names[at + q] = buf[start[user] + q]
            places[_TARGETS, home] = place + 1
            places[_BYTES, home] = at + length[user]


@njit(cache=True, nogil=True)
def _sort(
    kept: np.ndarray,
    targets: np.ndarray,
    number: np.ndarray,
    hashes: np.ndarray,
    homes: np.ndarray,
    begins: np.ndarray,
    places: np.ndarray,
    offsets: np.ndarray,
    kinds: np.ndarray,
    at: np.ndarray,
    actors: np.ndarray,
    mass: np.ndarray,
    established: np.ndarray,
    reach: np.ndarray,
    order: np.ndarray,
    events: np.ndarray,
) -> None:
    """Fill `events` (EVENT[n]) and their `order` (i8[n]: which engagement each is)."""
    for q in range(len(kept)):
        i, target = kept[q], targets[q]
        home = homes[target]
        place, begin = places[_EVENTS, home], begins[_EVENTS, home]
        places[_EVENTS, home] = place + 1
        order[place] = i
        event = events[place]
        event.at = at[i]
        event.mass = mass[q]
        event.actor = hashes[actors[i]]
        event.reach = reach[q]
        event.offset_delta = offsets[i] - offsets[order[begin]]
        event.target = number[target] - begins[_TARGETS, home]
        event.flags = kinds[i] + ESTABLISHED * established[q]


def packed(
    source: int,
    c: Columns,
    kept: np.ndarray,
    mass: np.ndarray,
    est: np.ndarray,
    reach: np.ndarray,
    partitions: int,
    undone: np.ndarray | None = None,
) -> Iterator[tuple[int, Credits]]:
    """Yield the target partition and its record; `kept` i8[n] are indices in order, with mass, est, reach beside.

    `undone` i8[m], by engagement, are the offsets of the acts that undos take back, -1 where nothing is.
    BrokenGuaranteeError when a target lives beyond `partitions`: the kernels check no bounds.
    """
    users, targets = c.users, c.targets[kept]
    if int(users.homes.max()) >= partitions:
        raise BrokenGuaranteeError(f"a target's partition is {int(users.homes.max())}, but there are {partitions}")
    number, sizes = np.full(len(users.homes), -1), np.zeros((3, partitions), np.int64)
    _measure(targets, users.homes, users.length, number, sizes)
    ends = np.cumsum(sizes, axis=1)
    begins = ends - sizes
    places, size = begins.copy(), ends[:, -1].tolist()
    lengths, names = np.empty(size[_TARGETS], "<u2"), np.empty(size[_BYTES], np.uint8)
    _name(users.buf, users.start, users.length, users.homes, places, number, lengths, names)
    order, events = np.empty(len(kept), np.int64), np.empty(len(kept), EVENT)
    _sort(
        kept, targets, number, users.hashes, users.homes, begins, places,
        c.offsets, c.kinds, c.at, c.actors, mass, est, reach, order, events,
    )  # fmt: skip
    offsets, produced = c.offsets[order], c.produced_at_ms[order]
    taken_back = np.full(len(kept), -1) if undone is None else undone[order]
    events["flags"][taken_back >= 0] |= UNDO
    event, target, byte = (list(map(slice, *pair)) for pair in zip(begins.tolist(), ends.tolist(), strict=True))
    for partition in np.flatnonzero(sizes[_EVENTS]).tolist():
        mine = event[partition]
        yield (
            partition,
            Credits(
                source=source,
                produced_at_ms=int(produced[mine].min()),
                first=int(offsets[mine.start]),
                events=events[mine],
                lengths=lengths[target[partition]],
                names=names[byte[partition]],
                undone=taken_back[mine][taken_back[mine] >= 0],
            ),
        )
