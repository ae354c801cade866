"""Key to row number, exact: a seeded hash finds the candidate, the bytes decide.

Memory layout: keys lie one behind the other in `arena` (u1); key i is arena[start[i] : start[i] + length[i]]
and its hash is hashes[i] (u8). `table` (i4, power of two, at most half full) holds i at the first free place
from the hash on; -1 is free. Numbers are never given again: a key that left keeps its number, without a byte and with
length 0, which no key has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from streams.engine.hashing import hash_slices, key_words, siphash13

_FIRST_KEYS = 1024
_FIRST_BYTES = 32 * _FIRST_KEYS


@njit(cache=True, nogil=True)
def _same(arena: np.ndarray, at: int, buf: np.ndarray, start: int, n: int) -> bool:
    for i in range(n):  # noqa: SIM110 - numba compiles no generator expression
        if arena[at + i] != buf[start + i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _look_up(
    table: np.ndarray,
    hashes: np.ndarray,
    arena: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    h: np.uint64,
    buf: np.ndarray,
    at: int,
    n: int,
) -> int:
    """Return the key's number, or -1 - (free place in `table`)."""
    mask = np.uint64(len(table) - 1)
    place = np.int64(h & mask)
    while True:
        i = table[place]
        if i < 0:
            return int(-1 - place)
        if hashes[i] == h and length[i] == n and _same(arena, start[i], buf, at, n):
            return int(i)
        place = (place + 1) & np.int64(mask)


@njit(cache=True, nogil=True)
def _find_all(
    table: np.ndarray,
    hashes: np.ndarray,
    arena: np.ndarray,
    start: np.ndarray,
    length: np.ndarray,
    count: int,
    used: int,
    buf: np.ndarray,
    at: np.ndarray,
    n: np.ndarray,
    k0: np.uint64,
    k1: np.uint64,
    add: bool,  # noqa: FBT001 - numba takes no keyword-only arguments
    out: np.ndarray,
) -> tuple[int, int]:
    """Fill out (i8[n]) with key numbers, unknown keys added or -1; return (count, arena bytes used)."""
    for j in range(len(at)):
        h = siphash13(buf, at[j], n[j], k0, k1)
        i = _look_up(table, hashes, arena, start, length, h, buf, at[j], n[j])
        if i < 0 and add:
            table[-1 - i] = count
            hashes[count] = h
            start[count] = used
            length[count] = n[j]
            for q in range(n[j]):
                arena[used + q] = buf[at[j] + q]
            used += n[j]
            i = count
            count += 1
        out[j] = max(i, -1)
    return count, used


@njit(cache=True, nogil=True)
def _refill(table: np.ndarray, hashes: np.ndarray, count: int) -> None:
    mask = len(table) - 1
    table[:] = -1
    for i in range(count):
        place = np.int64(hashes[i] & np.uint64(mask))
        while table[place] >= 0:
            place = (place + 1) & mask
        table[place] = i


class KeyIndex:
    """The keys of one partition, numbered from 0 in order of first appearance."""

    def __init__(self, hash_key: bytes) -> None:
        """Start empty; `hash_key` (16 bytes) must not be known to those who choose the keys."""
        self._k0, self._k1 = key_words(hash_key)
        self._count = 0
        self._used = 0
        self.arena = np.zeros(_FIRST_BYTES, np.uint8)
        self.start = np.zeros(_FIRST_KEYS, np.int64)
        self.length = np.zeros(_FIRST_KEYS, np.int64)
        self.hashes = np.zeros(_FIRST_KEYS, np.uint64)
        self._table = np.full(2 * _FIRST_KEYS, -1, np.int32)

    def __len__(self) -> int:
        """Return how many keys there are."""
        return self._count

    def slots_at(self, buf: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return the number (i8[n]) of every key buf[at[i] : at[i] + length[i]]; unknown keys are added."""
        self._reserve(len(at), int(length.sum()))
        return self._run(buf, at, length, add=True)

    def find_at(self, buf: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return the number (i8[n]) of every key in `buf`, -1 for an unknown one; adds nothing."""
        return self._run(buf, at, length, add=False)

    def slots(self, keys: Sequence[bytes]) -> np.ndarray:
        """Return the number (i8[n]) of every key; unknown keys are added."""
        return self.slots_at(*laid_out(keys))

    def find(self, key: bytes) -> int:
        """Return the key's number, -1 when it is unknown."""
        return int(self.find_at(*laid_out([key]))[0])

    def key(self, slot: int) -> bytes:
        """Return the key with number `slot`; IndexError beyond the last."""
        if not 0 <= slot < self._count:
            raise IndexError(slot)
        at = int(self.start[slot])
        return self.arena[at : at + int(self.length[slot])].tobytes()

    def slots_of(self, hashes: np.ndarray) -> np.ndarray:
        """Return the numbers (i8[m]) of the keys with one of these hashes (u8[n])."""
        known = np.isin(self.hashes[: self._count], hashes) & (self.length[: self._count] > 0)
        return np.flatnonzero(known)

    def hashes_at(self, buf: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return the hash (u8[n]) of every key buf[at[i] : at[i] + length[i]], known or not."""
        found: np.ndarray = hash_slices(buf, at, length, self._k0, self._k1)
        return found

    def vacate(self, slots: np.ndarray) -> None:
        """Forget the keys with these numbers, to the last byte."""
        if not len(slots):
            return
        # A snapshot on its way to the broker holds the present arena.
        self.arena = self.arena.copy()
        for slot in slots.tolist():
            at = int(self.start[slot])
            self.arena[at : at + int(self.length[slot])] = 0
        self.length[slots] = 0
        self.hashes[slots] = 0

    def keys(self) -> list[bytes]:
        """Return all keys in order of their numbers, empty where one left."""
        whole = self.arena[: self._used].tobytes()
        ends = (self.start + self.length)[: self._count].tolist()
        return [whole[a:b] for a, b in zip(self.start[: self._count].tolist(), ends, strict=True)]

    def _run(self, buf: np.ndarray, at: np.ndarray, length: np.ndarray, *, add: bool) -> np.ndarray:
        out = np.empty(len(at), np.int64)
        self._count, self._used = _find_all(
            self._table,
            self.hashes,
            self.arena,
            self.start,
            self.length,
            self._count,
            self._used,
            buf,
            at,
            length,
            self._k0,
            self._k1,
            add,
            out,
        )
        return out

    def _reserve(self, keys: int, size: int) -> None:
        """Grow so that `keys` more keys of `size` bytes fit; arrays are replaced, never resized in place.

        A snapshot that holds the old arrays therefore stays whole while the index grows.
        """
        if self._used + size > len(self.arena):
            self.arena = _grown(self.arena, self._used + size)
        if self._count + keys > len(self.start):
            need = self._count + keys
            self.start, self.length = _grown(self.start, need), _grown(self.length, need)
            self.hashes = _grown(self.hashes, need)
        if 2 * len(self.start) > len(self._table):
            self._table = np.empty(1 << (2 * len(self.start) - 1).bit_length(), np.int32)
            _refill(self._table, self.hashes, self._count)


def _grown(array: np.ndarray, need: int) -> np.ndarray:
    out = np.zeros(max(need, 2 * len(array)), array.dtype)
    out[: len(array)] = array
    return out


def laid_out(keys: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the keys as (bytes u1, starts i8[n], lengths i8[n])."""
    length = np.fromiter(map(len, keys), np.int64, len(keys))
    at = np.cumsum(length) - length
    return np.frombuffer(b"".join(keys), np.uint8), at, length
