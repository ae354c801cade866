"""A snapshot as record batches in which no user is torn: the row and all its pairs lie in one batch, and so do
the tombstones of a user who left.

A batch is appended as a whole, so after any crash a reader finds a user's row and pairs of the same moment.
The granted log comes first: what a durable row has granted can be taken back. Metas come last: a durable watermark
implies durable rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, starmap

import numpy as np
from numba import njit

from schemas.granted import GRANTED_VERSION
from streams.engine.batches import TARGET_BYTES, Batch
from streams.engine.framing import FRAME_BYTES, put_head, put_slice
from streams.engine.layout import GRANTED_MARK, META, PAIR_MARK, PAIR_PREFIX, VERSIONS
from streams.engine.records import Record, framed
from streams.engine.snapshot import Snapshot
from streams.engine.varints import put_varint, varint_size

_USER_VERSION, _PAIR_VERSION = VERSIONS
_EMPTY = Batch(b"", 0)


@njit(cache=True, nogil=True)
def _user_bytes(u: int, key_len: np.ndarray, width: int, pair_start: np.ndarray, pair_width: int) -> int:
    """Return an upper bound of what user `u` and its pairs take in a batch."""
    pairs = int(pair_start[u + 1] - pair_start[u])
    key = int(key_len[u])
    return key + width + FRAME_BYTES + pairs * (PAIR_PREFIX + key + pair_width + FRAME_BYTES)


@njit(cache=True, nogil=True)
def _cut(
    first: int, target: int, key_len: np.ndarray, width: int, pair_start: np.ndarray, pair_width: int
) -> tuple[int, int]:
    """Return (user behind the batch that starts with `first`, bytes to reserve): at least one user."""
    size = 0
    u = first
    while u < len(key_len):
        more = _user_bytes(u, key_len, width, pair_start, pair_width)
        if u > first and size + more > target:
            break
        size += more
        u += 1
    return u, size


@njit(cache=True, nogil=True)
def _head(out: np.ndarray, at: int, delta: int, key_len: int, value_len: int) -> int:
    """Write a record up to its key's length; value_len -1 = null. Return where the key goes."""
    null = value_len < 0
    value_size = 1 if null else varint_size(value_len) + value_len
    body = 2 + varint_size(delta) + varint_size(key_len) + key_len + value_size + 1
    at = put_head(out, at, body, delta)
    return put_varint(out, at, key_len)


@njit(cache=True, nogil=True)
def _value(out: np.ndarray, at: int, version: int, value: np.ndarray) -> int:
    """Write a versioned value and the end of its record; return the index behind."""
    at = put_varint(out, at, len(value) + 1)
    out[at] = version
    at += 1
    at = put_slice(out, at, value, 0, len(value))
    out[at] = 0
    return at + 1


@njit(cache=True, nogil=True)
def _pack(
    first: int,
    end: int,
    arena: np.ndarray,
    key_at: np.ndarray,
    key_len: np.ndarray,
    rows: np.ndarray,
    pair_start: np.ndarray,
    others: np.ndarray,
    pairs: np.ndarray,
    removed: np.ndarray,
    out: np.ndarray,
) -> tuple[int, int]:
    """Write users first..end-1, each row followed by its pairs; return (bytes, records)."""
    at = 0
    delta = 0
    for u in range(first, end):
        at = _head(out, at, delta, key_len[u], rows.shape[1] + 1)
        at = put_slice(out, at, arena, key_at[u], key_len[u])
        at = _value(out, at, _USER_VERSION, rows[u])
        delta += 1
        for p in range(pair_start[u], pair_start[u + 1]):
            value_len = -1 if removed[p] else pairs.shape[1] + 1
            at = _head(out, at, delta, key_len[u] + PAIR_PREFIX, value_len)
            out[at] = PAIR_MARK
            for i in range(8):
                out[at + 1 + i] = (others[p] >> np.uint64(8 * i)) & np.uint64(0xFF)
            at = put_slice(out, at + PAIR_PREFIX, arena, key_at[u], key_len[u])
            if removed[p]:
                out[at] = 1
                out[at + 1] = 0
                at += 2
            else:
                at = _value(out, at, _PAIR_VERSION, pairs[p])
            delta += 1
    return at, delta


def packed(snapshot: Snapshot, target: int = TARGET_BYTES) -> Iterator[Batch]:
    """Yield the snapshot as batches of about `target` bytes, cut only between users, metas at the end.

    Who left comes before rows: the same person may be back already, in a new row.
    """
    batches = chain(starmap(_left, snapshot.left), _users(snapshot, target))
    tail, granted = next(batches, _EMPTY), list(starmap(_granted, snapshot.granted))
    if len(tail.body) + sum(len(value or b"") for _, value, _ in granted) > target:
        yield from (_with(_EMPTY, [record]) for record in granted)
    else:
        tail = _with(tail, granted)
    for batch in batches:
        if tail.count:
            yield tail
        tail = batch
    tail = _with(tail, [(bytes((META,)) + name, value, ()) for name, value in snapshot.metas])
    if tail.count:
        yield tail


def _users(snapshot: Snapshot, target: int) -> Iterator[Batch]:
    first = 0
    width, pair_width = snapshot.rows.shape[1] + 1, snapshot.pairs.shape[1] + 1
    while first < snapshot.users:
        end, room = _cut(first, target, snapshot.key_len, width, snapshot.pair_start, pair_width)
        out = np.empty(room, np.uint8)
        size, count = _pack(
            first,
            end,
            snapshot.arena,
            snapshot.key_at,
            snapshot.key_len,
            snapshot.rows,
            snapshot.pair_start,
            snapshot.others,
            snapshot.pairs,
            snapshot.removed,
            out,
        )
        yield Batch(out[:size].tobytes(), count)
        first = end


def _granted(first: int, entries: np.ndarray | None) -> Record:
    """Return the record of a segment of the granted log."""
    value = None if entries is None else bytes((GRANTED_VERSION,)) + entries.tobytes()
    return bytes((GRANTED_MARK,)) + first.to_bytes(8, "big"), value, ()


def _left(key: bytes, others: np.ndarray) -> Batch:
    """Return the tombstones of a user's pairs and, behind them, of the row."""
    mark = bytes((PAIR_MARK,))
    keys = [*(mark + int(other).to_bytes(8, "little") + key for other in others), key]
    return Batch(b"".join(framed((each, None, ()), i) for i, each in enumerate(keys)), len(keys))


def _with(batch: Batch, records: list[Record]) -> Batch:
    """Return the batch with more records behind its own."""
    parts = [framed(record, batch.count + i) for i, record in enumerate(records)]
    return Batch(batch.body + b"".join(parts), batch.count + len(parts))
