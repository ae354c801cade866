"""Compile every kernel on tiny inputs: that takes seconds, which a worker in the group does not have."""

from __future__ import annotations

import numpy as np

from streams.engine.batches import Producer, encoded, grouped
from streams.engine.changelog import packed
from streams.engine.dedupe import Seen
from streams.engine.hashing import KEY_BYTES, hash_slices, key_words
from streams.engine.keys import laid_out
from streams.engine.partition import Partition
from streams.engine.partitioner import partitions_of
from streams.engine.raw_fetch import read_fetch
from streams.engine.records import Record
from streams.engine.restore import apply
from streams.engine.snapshot import take

_KEY = bytes(KEY_BYTES)


def warm() -> None:
    """Return when everything is compiled, or found in the cache on disk."""
    keys = laid_out([b"a:b"])
    hash_slices(*keys, *key_words(_KEY))
    partitions_of(*keys, 1)
    record: Record = (b"a:b", b"", [("h", b"")])
    raw = encoded(next(grouped([record])), Producer(0, 0, 0), 0)
    chunk = read_fetch("warm", 0, raw, 0, check_crcs=True)
    chunk.headers(0)
    seen = Seen(1, 0)
    seen.check(np.arange(2), np.arange(2, dtype=np.uint64), np.ones(2, np.uint8))
    seen._reserve(1 << 12)
    _round_trip()


def _round_trip() -> None:
    """Write a user with a pair into a changelog and read it back."""
    source, copy = Partition(0, _KEY), Partition(0, _KEY)
    slots = source.slots([b"a:b"])
    source.index.find(b"a:b")
    source.state.dirty[slots] = True
    numbers = source.state.pairs.find_or_add(slots, np.ones(1, np.uint64))
    source.state.pairs.dirty[numbers] = True
    source.pairs_removed(slots, np.zeros(1, np.uint64))
    one = np.ones(1, np.uint64)
    source.granted.add(one, np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.uint8), one, one)
    source.granted.take(1, 0.0, 1)
    taken = take(source)
    if taken is not None:
        raw = b"".join(encoded(batch, Producer(0, 0, 0), 0) for batch in packed(taken))
        apply(copy, read_fetch("warm", 0, raw, 0, check_crcs=False))
