"""Granted events sorted into one credit record per target partition.

Memory layout: a counting sort by partition, stable, so that offsets ascend within each. Events of partition p are
events[ends[p - 1] : ends[p]]; its distinct targets, numbered in order of first appearance, are
users[user_ends[p - 1] : user_ends[p]]; firsts[p] and oldest[p] are its first offset and its oldest append time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit

from schemas.credit import ESTABLISHED, EVENT, Credits
from schemas.errors import BrokenGuaranteeError
from streams.stages.columns import Columns, Users


@njit(cache=True, nogil=True)
def _numbered(
    targets: np.ndarray, homes: np.ndarray, partitions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (number i8 of each user among its partition's targets, users i8[m], user_ends, ends)."""
    ends, user_ends = np.zeros(partitions, np.int64), np.zeros(partitions, np.int64)
    number = np.full(len(homes), -1, np.int64)
    for target in targets:
        home = homes[target]
        ends[home] += 1
        if number[target] < 0:
            number[target] = user_ends[home]
            user_ends[home] += 1
    user_ends = np.cumsum(user_ends)
    users = np.empty(user_ends[-1], np.int64)
    for target in range(len(homes)):
        if number[target] >= 0:
            home = homes[target]
            users[(user_ends[home - 1] if home else 0) + number[target]] = target
    return number, users, user_ends, np.cumsum(ends)


@njit(cache=True, nogil=True)
def _sorted(
    kept: np.ndarray,
    offsets: np.ndarray,
    produced_at_ms: np.ndarray,
    kinds: np.ndarray,
    at: np.ndarray,
    actors: np.ndarray,
    targets: np.ndarray,
    hashes: np.ndarray,
    homes: np.ndarray,
    mass: np.ndarray,
    established: np.ndarray,
    reach: np.ndarray,
    number: np.ndarray,
    ends: np.ndarray,
    events: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Fill `events` (EVENT[n]); return (firsts i8, oldest i8) by partition."""
    begin, place = np.zeros_like(ends), np.zeros_like(ends)
    begin[1:] = ends[:-1]
    place[:] = begin
    firsts, oldest = np.zeros_like(ends), np.zeros_like(ends)
    for q in range(len(kept)):
        i = kept[q]
        target = targets[i]
        home = homes[target]
        if place[home] == begin[home]:
            firsts[home], oldest[home] = offsets[i], produced_at_ms[i]
        oldest[home] = min(oldest[home], produced_at_ms[i])
        event = events[place[home]]
        event.at = at[i]
        event.mass = mass[q]
        event.actor = hashes[actors[i]]
        event.reach = reach[q]
        event.offset_delta = offsets[i] - firsts[home]
        event.target = number[target]
        event.flags = kinds[i] + ESTABLISHED * established[q]
        place[home] += 1
    return firsts, oldest


@njit(cache=True, nogil=True)
def _texts(buf: np.ndarray, start: np.ndarray, length: np.ndarray, users: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the users' texts back to back (u1), the last of them ending at ends[-1]."""
    texts = np.empty(ends[-1], np.uint8)
    for i in range(len(users)):
        user = users[i]
        at = ends[i] - length[user]
        for q in range(length[user]):
            texts[at + q] = buf[start[user] + q]
    return texts


def packed(
    source: int,
    c: Columns,
    kept: np.ndarray,
    mass: np.ndarray,
    est: np.ndarray,
    reach: np.ndarray,
    partitions: int,
) -> Iterator[tuple[int, Credits]]:
    """Yield the target partition and its record; `kept` i8[n] are indices in order, with mass, est, reach beside.

    n is at least 1. BrokenGuaranteeError when a target lives beyond `partitions`: the kernels check no bounds.
    """
    targets, users = c.targets[kept], c.users
    if int(users.homes.max()) >= partitions:
        raise BrokenGuaranteeError(f"a target's partition is {int(users.homes.max())}, but there are {partitions}")
    number, named, user_ends, ends = _numbered(targets, users.homes, partitions)
    events = np.empty(len(kept), EVENT)
    firsts, oldest = _sorted(
        kept,
        c.offsets,
        c.produced_at_ms,
        c.kinds,
        c.at,
        c.actors,
        c.targets,
        users.hashes,
        users.homes,
        mass,
        est,
        reach,
        number,
        ends,
        events,
    )
    lengths, text_ends, texts = _named(users, named)
    start = user_start = text_start = 0
    bounds = zip(ends.tolist(), user_ends.tolist(), firsts.tolist(), oldest.tolist(), strict=True)
    for partition, (end, user_end, first, oldest_ms) in enumerate(bounds):
        if end > start:
            text_end = int(text_ends[user_end - 1])
            names = texts[text_start:text_end]
            yield (
                partition,
                Credits(source, oldest_ms, first, events[start:end], lengths[user_start:user_end], names),
            )
            start, user_start, text_start = end, user_end, text_end


def _named(users: Users, named: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of `named` users the lengths u2, where each text ends i8, and the texts u1."""
    lengths = users.length[named]
    ends = np.cumsum(lengths)
    return lengths.astype("<u2"), ends, _texts(users.buf, users.start, users.length, named, ends)
