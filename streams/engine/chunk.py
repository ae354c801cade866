"""A slice of one partition's fetch: columns that point into the fetched bytes, no object per record."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from streams.engine import records

NO_EPOCH = -1


class Chunk:
    """Records `first`..`last` of one partition, in offset order, as the log holds them.

    `first` and `last` bound what the slice covers: offsets that compaction removed are inside the bounds and
    missing from `offsets`, so a chunk may be empty. `timestamps_ms` are epoch ms. The columns `key_at`, `key_len`,
    `value_at`, `value_len` (i8[n]; length -1 = null) point into `buf`; kernels read them through `view`.
    """

    def __init__(self, topic: str, partition: int, first: int, last: int, buf: bytes, table: np.ndarray) -> None:
        """Wrap `buf` and the i8[8, n] columns that `streams.engine.records.scan_records` filled."""
        self.topic = topic
        self.partition = partition
        self.first = first
        self.last = last
        self.buf = buf
        self.table = table
        self.offsets: np.ndarray = table[records.OFFSET]
        self.timestamps_ms: np.ndarray = table[records.STAMP]
        self.key_at: np.ndarray = table[records.KEY_AT]
        self.key_len: np.ndarray = table[records.KEY_LEN]
        self.value_at: np.ndarray = table[records.VALUE_AT]
        self.value_len: np.ndarray = table[records.VALUE_LEN]
        self.epoch = NO_EPOCH
        self.previous: int | None = None

    def __len__(self) -> int:
        """Return how many records the chunk holds."""
        return int(self.table.shape[1])

    def __repr__(self) -> str:
        """Return where the chunk comes from."""
        return f"<Chunk {self.topic}-{self.partition} {self.first}..{self.last}, {len(self)} records>"

    @cached_property
    def view(self) -> np.ndarray:
        """The fetched bytes as u1[…], for kernels; not writable."""
        return np.frombuffer(self.buf, np.uint8)

    @cached_property
    def keys(self) -> list[bytes | None]:
        """Every key as bytes."""
        return self._slices(self.key_at, self.key_len)

    @cached_property
    def values(self) -> list[bytes | None]:
        """Every value as bytes."""
        return self._slices(self.value_at, self.value_len)

    def headers(self, i: int) -> list[tuple[str, bytes]]:
        """Return the headers of record `i`; ValueError when they are damaged."""
        return records.parsed_headers(
            self.buf, int(self.table[records.HEAD_AT, i]), int(self.table[records.HEAD_END, i])
        )

    def split(self, size: int) -> list[Chunk]:
        """Return the chunk as chunks of at most `size` records that cover the same offsets without a hole."""
        count = len(self)
        if count <= size:
            return [self]
        pieces: list[Chunk] = []
        first = self.first
        for start in range(0, count, size):
            end = min(start + size, count)
            last = self.last if end == count else int(self.table[records.OFFSET, end - 1])
            pieces.append(Chunk(self.topic, self.partition, first, last, self.buf, self.table[:, start:end]))
            first = last + 1
        return pieces

    def part(self, places: np.ndarray) -> Chunk:
        """Return the records at `places` (i8, ascending) as a chunk that covers the same offsets."""
        return Chunk(self.topic, self.partition, self.first, self.last, self.buf, self.table[:, places])

    def _slices(self, at: np.ndarray, length: np.ndarray) -> list[bytes | None]:
        buf = self.buf
        return [None if n < 0 else buf[a : a + n] for a, n in zip(at.tolist(), length.tolist(), strict=True)]
