"""Which partition a key belongs to: Kafka's murmur2, bit for bit what Java's and aiokafka's producers do."""

from __future__ import annotations

import numpy as np
from numba import njit

_SEED = np.uint32(0x9747B28C)
_MULTIPLIER = np.uint32(0x5BD1E995)
_SHIFT = np.uint32(24)


@njit(cache=True, nogil=True)
def murmur2_slice(buf: np.ndarray, start: int, n: int) -> np.uint32:
    """Return murmur2 of buf[start : start + n] (u1) with Kafka's seed."""
    m = _MULTIPLIER
    h = np.uint32(_SEED ^ np.uint32(n))
    whole = n - n % 4
    for at in range(start, start + whole, 4):
        k = np.uint32(0)
        for i in range(4):
            k |= np.uint32(np.uint32(buf[at + i]) << np.uint32(8 * i))
        k = np.uint32(k * m)
        k ^= np.uint32(k >> _SHIFT)
        k = np.uint32(k * m)
        h = np.uint32(np.uint32(h * m) ^ k)
    if n > whole:
        for i in range(n - whole - 1, -1, -1):
            h ^= np.uint32(np.uint32(buf[start + whole + i]) << np.uint32(8 * i))
        h = np.uint32(h * m)
    h ^= np.uint32(h >> np.uint32(13))
    h = np.uint32(h * m)
    h ^= np.uint32(h >> np.uint32(15))
    return h


@njit(cache=True, nogil=True)
def partitions_of(buf: np.ndarray, starts: np.ndarray, lengths: np.ndarray, count: int) -> np.ndarray:
    """Return the partition (i4[n]) of every key buf[starts[i] : starts[i] + lengths[i]] among `count`."""
    out = np.empty(len(starts), np.int32)
    for i in range(len(starts)):
        positive = np.int64(murmur2_slice(buf, starts[i], lengths[i])) & 0x7FFFFFFF
        out[i] = positive % count
    return out


def murmur2(key: bytes) -> int:
    """Return murmur2 of `key` as an unsigned 32-bit integer."""
    return int(murmur2_slice(np.frombuffer(key, np.uint8), 0, len(key)))


def partition_of(key: bytes, count: int) -> int:
    """Return the partition of `key` among `count`, as a default Java producer would choose it."""
    return (murmur2(key) & 0x7FFFFFFF) % count
