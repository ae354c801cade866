"""One chunk of engagements as columns: distinct users once, events as indices into them.

Memory layout: no object per event or user. `Users` point into one buffer (u1) of texts; `_intern` numbers them by
open addressing in i4[power of two], at most half full, -1 = free: a keyed hash finds, the bytes decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from streams.engine.hashing import key_words, siphash13
from streams.engine.partitioner import murmur2_slice
from streams.stages.scan import ACTOR_AT, ACTOR_LEN, ID_AT, ID_LEN, TARGET_AT, TARGET_LEN


@dataclass(frozen=True, slots=True)
class Users:
    """Distinct users: texts buf[start[i] : start[i] + length[i]] (i8), keyed hashes u8, homes i8 (partition)."""

    buf: np.ndarray
    start: np.ndarray
    length: np.ndarray
    hashes: np.ndarray
    homes: np.ndarray

    def name(self, i: int) -> bytes:
        """Return the id of user `i`."""
        return self.buf[self.start[i] : self.start[i] + self.length[i]].tobytes()


@dataclass(frozen=True, slots=True)
class Columns:
    """n engagements over distinct `users`; `actors` and `targets` (i8[n]) are indices into them.

    offsets i8[n], produced_at_ms i8[n] (append time), kinds u1[n], at f8[n] (seconds), acts u8[n] (keyed hash of
    actor and act id: what makes a repeat).
    """

    offsets: np.ndarray
    produced_at_ms: np.ndarray
    kinds: np.ndarray
    at: np.ndarray
    acts: np.ndarray
    actors: np.ndarray
    targets: np.ndarray
    users: Users


@njit(cache=True, nogil=True, inline="always")
def act_hash(act_id: np.uint64, actor: np.uint64) -> np.uint64:
    """Return what makes two deliveries the same act: same id and same actor (both keyed hashes)."""
    return act_id + actor * np.uint64(3)


@njit(cache=True, nogil=True)
def _intern(
    buf: np.ndarray,
    spans: np.ndarray,
    partitions: int,
    k0: np.uint64,
    k1: np.uint64,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (acts u8[n], codes i8[2, n]: actors and targets, then of the distinct users start, length, hash, home)."""
    n, count, places = spans.shape[1], 0, 16
    while places < 4 * n:
        places *= 2
    table, mask = np.full(places, -1, np.int32), places - 1
    start, length = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
    hashes, homes = np.empty(2 * n, np.uint64), np.empty(2 * n, np.int64)
    acts, codes = np.empty(n, np.uint64), np.empty((2, n), np.int64)
    for i in range(n):
        for side in range(2):
            at = spans[ACTOR_AT if side == 0 else TARGET_AT, i]
            size = spans[ACTOR_LEN if side == 0 else TARGET_LEN, i]
            h = siphash13(buf, at, size, k0, k1)
            place = np.int64(h & np.uint64(mask))
            while True:
                user = np.int64(table[place])
                if user < 0:
                    break
                if hashes[user] == h and length[user] == size:
                    q = 0
                    while q < size and buf[start[user] + q] == buf[at + q]:
                        q += 1
                    if q == size:
                        break
                place = (place + 1) & np.int64(mask)
            if user < 0:
                user = np.int64(count)
                table[place] = user
                start[user], length[user], hashes[user] = at, size, h
                homes[user] = (np.int64(murmur2_slice(buf, at, size)) & 0x7FFFFFFF) % partitions
                count += 1
            codes[side, i] = user
        acts[i] = act_hash(siphash13(buf, spans[ID_AT, i], spans[ID_LEN, i], k0, k1), hashes[codes[0, i]])
    return acts, codes, start[:count], length[:count], hashes[:count], homes[:count]


def columns_of(
    buf: np.ndarray,
    spans: np.ndarray,
    kinds: np.ndarray,
    at_ms: np.ndarray,
    offsets: np.ndarray,
    produced_at_ms: np.ndarray,
    partitions: int,
    key: bytes,
) -> Columns:
    """Return the columns of n engagements appended at `offsets`, whose texts `spans` (i8[6, n]) finds in `buf`."""
    acts, codes, start, length, hashes, homes = _intern(buf, spans, partitions, *key_words(key))
    return Columns(
        offsets=offsets,
        produced_at_ms=produced_at_ms,
        kinds=kinds,
        at=at_ms / 1000.0,
        acts=acts,
        actors=codes[0],
        targets=codes[1],
        users=Users(buf, start, length, hashes, homes),
    )
