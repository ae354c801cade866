"""Which partition a user lives in: Kafka's murmur2 of the id, as producers choose it by default."""

from __future__ import annotations

from typing import Final

_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Return Kafka's murmur2 of `key` as an unsigned 32-bit integer."""
    h = (0x9747B28C ^ len(key)) & _MASK
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * _M & _MASK
        h = (h * _M & _MASK) ^ ((k ^ k >> 24) * _M & _MASK)
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def home_of(user: bytes, partitions: int) -> int:
    """Return the partition of `user` among `partitions`."""
    return (murmur2(user) & 0x7FFFFFFF) % partitions
