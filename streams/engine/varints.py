"""Kafka's zigzag varints, written and read inside numba kernels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

MAX_BYTES = 10
_CONTINUES = 0x80


@njit(cache=True, nogil=True)
def put_varint(out: np.ndarray, at: int, value: int) -> int:
    """Write `value` (non-negative i8) at out[at:]; return the index behind it."""
    v = np.int64(value) << 1
    while v >= _CONTINUES:
        out[at] = (v & 0x7F) | _CONTINUES
        v >>= 7
        at += 1
    out[at] = v
    return at + 1


@njit(cache=True, nogil=True)
def varint_size(value: int) -> int:
    """Return how many bytes `put_varint` writes for `value`."""
    v = np.int64(value) << 1
    n = 1
    while v >= _CONTINUES:
        v >>= 7
        n += 1
    return n


@njit(cache=True, nogil=True)
def get_varint(buf: np.ndarray, at: int, end: int) -> tuple[int, int]:
    """Return (value, index behind it); the index is -1 when the varint is damaged or would pass `end`."""
    x = np.int64(0)
    shift = 0
    while at < end and shift < 7 * MAX_BYTES:
        c = np.int64(buf[at])
        at += 1
        x |= (c & 0x7F) << shift
        if c < _CONTINUES:
            return int(((x >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(x & 1)), at
        shift += 7
    return 0, -1


@lru_cache(maxsize=1 << 16)
def encoded_varint(value: int) -> bytes:
    """Return the zigzag varint of `value` (any i8) as bytes; lengths and deltas recur, so most are looked up."""
    v = ((value << 1) ^ (value >> 63)) & 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while v >= _CONTINUES:
        out.append((v & 0x7F) | _CONTINUES)
        v >>= 7
    out.append(v)
    return bytes(out)
