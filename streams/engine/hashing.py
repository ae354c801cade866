"""SipHash-1-3: a keyed 64-bit hash of bytes that outsiders cannot steer into collisions.

Source: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; one compression and three
finalisation rounds. All arithmetic is uint64: numba turns a mix of signed and unsigned into floats.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

KEY_BYTES: Final = 16
_V0 = np.uint64(0x736F6D6570736575)
_V1 = np.uint64(0x646F72616E646F6D)
_V2 = np.uint64(0x6C7967656E657261)
_V3 = np.uint64(0x7465646279746573)
_LAST = np.uint64(0xFF)
_WORD_BITS = np.uint64(64)
_BYTE_BITS = np.uint64(8)


@njit(cache=True, nogil=True, inline="always")
def _turn(value: np.uint64, bits: np.uint64) -> np.uint64:
    return (value << bits) | (value >> (_WORD_BITS - bits))


@njit(cache=True, nogil=True)
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v1 = _turn(v1, np.uint64(13)) ^ v0
    v0 = _turn(v0, np.uint64(32))
    v2 += v3
    v3 = _turn(v3, np.uint64(16)) ^ v2
    v0 += v3
    v3 = _turn(v3, np.uint64(21)) ^ v0
    v2 += v1
    v1 = _turn(v1, np.uint64(17)) ^ v2
    v2 = _turn(v2, np.uint64(32))
    return v0, v1, v2, v3


@njit(cache=True, nogil=True)
def siphash13(buf: np.ndarray, start: int, n: int, k0: np.uint64, k1: np.uint64) -> np.uint64:
    """Return SipHash-1-3 of buf[start : start + n] (u1) under the key (k0, k1)."""
    v0, v1, v2, v3 = _V0 ^ k0, _V1 ^ k1, _V2 ^ k0, _V3 ^ k1
    whole = n - n % 8
    for at in range(start, start + whole, 8):
        word = np.uint64(0)
        for i in range(8):
            word |= np.uint64(buf[at + i]) << (_BYTE_BITS * np.uint64(i))
        v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
        v0 ^= word
    word = np.uint64(n) << np.uint64(56)
    for i in range(n - whole):
        word |= np.uint64(buf[start + whole + i]) << (_BYTE_BITS * np.uint64(i))
    v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ word)
    v0 ^= word
    v2 ^= _LAST
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@njit(cache=True, nogil=True)
def hash_slices(buf: np.ndarray, starts: np.ndarray, lengths: np.ndarray, k0: np.uint64, k1: np.uint64) -> np.ndarray:
    """Return the hash (u8[n]) of every slice buf[starts[i] : starts[i] + lengths[i]]."""
    out = np.empty(len(starts), np.uint64)
    for i in range(len(starts)):
        out[i] = siphash13(buf, starts[i], lengths[i], k0, k1)
    return out


def key_words(key: bytes) -> tuple[np.uint64, np.uint64]:
    """Return a 16-byte key as the two words that the kernels take; ValueError for another length."""
    if len(key) != KEY_BYTES:
        message = f"hash key has {len(key)} bytes; give exactly {KEY_BYTES}"
        raise ValueError(message)
    return np.uint64(int.from_bytes(key[:8], "little")), np.uint64(int.from_bytes(key[8:], "little"))


def hash_id(value: bytes, key: bytes) -> int:
    """Return SipHash-1-3 of `value` under the 16-byte `key`, as an unsigned 64-bit integer."""
    k0, k1 = key_words(key)
    return int(siphash13(np.frombuffer(value, np.uint8), 0, len(value), k0, k1))
