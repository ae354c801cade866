"""Many records framed by one pass, without an object per record.

Memory layout: keys and values are slices of two buffers, record i's key being keys[key_at[i] : key_at[i] +
key_len[i]]. A batch's records are written one behind the other from out[0] on, with offset deltas from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit

from streams.engine.varints import put_varint, varint_size

FRAME_BYTES: Final = 32
"""More than the numbers of one record can take: six varints of at most 5 bytes and two fixed bytes."""


class Slices(NamedTuple):
    """Byte strings in one buffer: string i is buf[at[i] : at[i] + length[i]], all of it within `buf` (u1)."""

    buf: np.ndarray
    at: np.ndarray
    length: np.ndarray

    def part(self, first: int, end: int) -> Slices:
        """Return the strings first..end-1, in the same buffer."""
        return Slices(self.buf, self.at[first:end], self.length[first:end])


@dataclass(frozen=True, slots=True)
class RecordArrays:
    """Records without headers, none of their keys and values null; ValueError when there are not as many of both."""

    keys: Slices
    values: Slices

    def __post_init__(self) -> None:
        """Refuse what the kernel, which checks no bounds, would read beyond."""
        if len(self.keys.at) != len(self.values.at):
            raise ValueError(f"{len(self.keys.at)} keys, but {len(self.values.at)} values")

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.keys.at)


@njit(cache=True, nogil=True)
def put_slice(out: np.ndarray, at: int, buf: np.ndarray, start: int, n: int) -> int:
    """Copy n bytes of `buf` from `start` to out[at:]; return the index behind them.

    Unsigned indices, because a signed one may count from the end: checking that costs ten times the copy.
    """
    to, begin = np.uint64(at), np.uint64(start)
    for i in range(np.uint64(n)):
        out[to + i] = buf[begin + i]
    return at + n


@njit(cache=True, nogil=True)
def put_head(out: np.ndarray, at: int, body: int, delta: int) -> int:
    """Write a record up to its offset delta; `body` is its size behind its own length."""
    at = put_varint(out, at, body)
    out[at] = 0
    out[at + 1] = 0
    return put_varint(out, at + 2, delta)


@njit(cache=True, nogil=True)
def _put_all(
    keys: np.ndarray,
    key_at: np.ndarray,
    key_len: np.ndarray,
    values: np.ndarray,
    value_at: np.ndarray,
    value_len: np.ndarray,
    first: int,
    target: int,
    out: np.ndarray,
) -> tuple[int, int]:
    """Write records from `first` on, at least one and else within `target` bytes; return (bytes, record behind)."""
    at = 0
    i = first
    while i < len(key_at):
        k, v, delta = key_len[i], value_len[i], i - first
        body = 3 + varint_size(delta) + varint_size(k) + k + varint_size(v) + v
        if i > first and at + varint_size(body) + body > target:
            break
        at = put_head(out, at, body, delta)
        at = put_slice(out, put_varint(out, at, k), keys, key_at[i], k)
        at = put_slice(out, put_varint(out, at, v), values, value_at[i], v)
        out[at] = 0
        at += 1
        i += 1
    return at, i


def framed_arrays(records: RecordArrays, target: int) -> Iterator[tuple[bytes, int]]:
    """Yield (framed records, their number), in order, of about `target` bytes; a larger record goes alone."""
    if not len(records):
        return
    bounds = records.keys.length + records.values.length + FRAME_BYTES
    out = np.empty(min(int(bounds.sum()), max(target, int(bounds.max()))), np.uint8)
    first = 0
    while first < len(records):
        size, end = _put_all(*records.keys, *records.values, first, target, out)
        yield out[:size].tobytes(), end - first
        first = end


@njit(cache=True, nogil=True)
def _gather(buf: np.ndarray, start: np.ndarray, length: np.ndarray, out: np.ndarray, at: np.ndarray) -> None:
    for i in range(len(start)):
        put_slice(out, at[i], buf, start[i], length[i])


def gathered(slices: list[Slices]) -> Slices:
    """Return the strings of all of `slices`, in order, one behind the other in one new buffer."""
    length = np.concatenate([one.length for one in slices])
    at = np.cumsum(length) - length
    out, first = np.empty(int(length.sum()), np.uint8), 0
    for one in slices:
        _gather(*one, out, at[first : first + len(one.at)])
        first += len(one.at)
    return Slices(out, at, length)
