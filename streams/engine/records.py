"""Records inside a Kafka v2 batch: found in place by one pass, framed without an object per record.

A record is `length, attributes, timestamp delta, offset delta, key, value, headers`, numbers as zigzag
varints, null as length -1. The scan keeps eight int64 columns per record and copies nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit

from streams.engine.varints import encoded_varint, get_varint

Headers = Sequence[tuple[str, bytes]]
Record = tuple[bytes | None, bytes | None, Headers]
"""Key, value, headers: what the writer appends."""

OFFSET, STAMP, KEY_AT, KEY_LEN, VALUE_AT, VALUE_LEN, HEAD_AT, HEAD_END = range(8)
COLUMNS: Final = 8
DAMAGED: Final = -1


@njit(cache=True, nogil=True)
def _slice(buf: np.ndarray, at: int, end: int) -> tuple[int, int, int]:
    """Return (start, length, index behind) of a length-prefixed slice; index -1 when damaged."""
    n, at = get_varint(buf, at, end)
    if at < 0 or n < -1 or (n > 0 and n > end - at):
        return 0, 0, -1
    return at, n, at + max(n, 0)


@njit(cache=True, nogil=True)
def scan_records(
    buf: np.ndarray,
    at: int,
    end: int,
    count: int,
    base: int,
    stamp: int,
    first: int,
    table: np.ndarray,
    row: int,
) -> int:
    """Fill table[:, row:] (i8[8, n]) with the records of one batch whose offset is >= `first`.

    `at`, `end`: the records' bytes in `buf`; `base`, `stamp`: the batch's offset and timestamp (ms).
    Returns the next free row, or -1 when the frame is damaged; never reads outside buf[at:end].
    """
    for _ in range(count):
        length, p = get_varint(buf, at, end)
        if p < 0 or length < 1 or length > end - p:
            return DAMAGED
        at = p + length
        stamp_delta, p = get_varint(buf, p + 1, at)
        if p < 0:
            return DAMAGED
        offset_delta, p = get_varint(buf, p, at)
        if p < 0 or offset_delta < 0:
            return DAMAGED
        key_at, key_len, p = _slice(buf, p, at)
        if p < 0:
            return DAMAGED
        value_at, value_len, p = _slice(buf, p, at)
        if p < 0:
            return DAMAGED
        if base + offset_delta >= first:
            table[OFFSET, row] = base + offset_delta
            table[STAMP, row] = stamp + stamp_delta
            table[KEY_AT, row] = key_at
            table[KEY_LEN, row] = key_len
            table[VALUE_AT, row] = value_at
            table[VALUE_LEN, row] = value_len
            table[HEAD_AT, row] = p
            table[HEAD_END, row] = at
            row += 1
    return row if at == end else DAMAGED


def parsed_headers(buf: bytes, at: int, end: int) -> list[tuple[str, bytes]]:
    """Return the headers in buf[at:end] in order; a null value reads as empty; ValueError when damaged."""
    view = np.frombuffer(buf, np.uint8)
    count, at = get_varint(view, at, end)
    found: list[tuple[str, bytes]] = []
    for _ in range(count):
        name_at, name_len, at = _slice(view, at, end) if at >= 0 else (0, 0, -1)
        value_at, value_len, at = _slice(view, at, end) if at >= 0 else (0, 0, -1)
        if at < 0:
            break
        name = buf[name_at : name_at + max(name_len, 0)].decode()
        found.append((name, buf[value_at : value_at + max(value_len, 0)]))
    if at != end or count < 0:
        message = "damaged record headers"
        raise ValueError(message)
    return found


def _prefixed(value: bytes | None) -> bytes:
    return encoded_varint(-1) if value is None else encoded_varint(len(value)) + value


def framed(record: Record, delta: int) -> bytes:
    """Return one record's bytes at offset delta `delta`, timestamp delta 0."""
    key, value, headers = record
    heads = b"".join(_prefixed(name.encode()) + _prefixed(content) for name, content in headers)
    body = b"".join(
        (
            b"\0\0",
            encoded_varint(delta),
            _prefixed(key),
            _prefixed(value),
            encoded_varint(len(headers)),
            heads,
        )
    )
    return encoded_varint(len(body)) + body
