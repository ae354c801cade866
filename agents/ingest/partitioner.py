"""The partition of a key, as Kafka's default partitioner places it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

KEPT_KEYS = 200_000


@lru_cache(maxsize=KEPT_KEYS)
def partition_of(key: bytes, count: int) -> int:
    """Return the partition of `key` among `count`: (murmur2(key) & 0x7fffffff) % count."""
    return int((murmur2(key) & 0x7FFFFFFF) % count)
