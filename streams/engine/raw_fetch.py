"""Whole fetches as chunks: aiokafka's fetcher hands over bytes and columns instead of one object per record.

Two names in `aiokafka.consumer.fetcher` are replaced. Only topics named to `read_raw` change; every other
consumer in the process keeps getting ConsumerRecord objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from schemas.errors import BrokenGuaranteeError
from streams.engine.batches import Frame, frames
from streams.engine.chunk import Chunk
from streams.engine.records import COLUMNS, scan_records

_RAW_TOPICS: set[str] = set()
_STOCK = fetcher.PartitionRecords


class KeptRecords:
    """aiokafka's MemoryRecords, and the bytes it was made of."""

    def __init__(self, raw: bytes) -> None:
        """Wrap the record batches of one partition in a fetch response."""
        self.raw = raw
        self._stock = MemoryRecords(raw)

    def has_next(self) -> bool:
        """Return whether there is a whole batch."""
        return bool(self._stock.has_next())

    def next_batch(self) -> Any:
        """Return the next batch as aiokafka parses it."""
        return self._stock.next_batch()

    def size_in_bytes(self) -> int:
        """Return how many bytes the response brought."""
        return int(self._stock.size_in_bytes())


class RawPartitionRecords(_STOCK):  # type: ignore[misc,valid-type]
    """Yields one Chunk per fetch for raw topics."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        if self._tp.topic not in _RAW_TOPICS:
            yield from super()._unpack_records()
            return
        chunk = read_fetch(
            self._tp.topic,
            self._tp.partition,
            bytes(self._records.raw),
            self.next_fetch_offset,
            check_crcs=self._check_crcs,
        )
        if chunk.last >= chunk.first:
            self.next_fetch_offset = chunk.last + 1
            yield chunk


def read_fetch(topic: str, partition: int, raw: bytes, first: int, *, check_crcs: bool) -> Chunk:
    """Return the records of a fetch response from offset `first` on; empty when it ends before `first`.

    BrokenGuaranteeError names the batch when a frame is damaged.
    """
    found = list(frames(raw, check_crcs=check_crcs))
    buf, places = _joined(raw, found)
    table = np.empty((COLUMNS, sum(frame.count for frame in found)), np.int64)
    view = np.frombuffer(buf, np.uint8)
    row = 0
    for frame, (at, end) in zip(found, places, strict=True):
        row = scan_records(view, at, end, frame.count, frame.base, frame.stamp, first, table, row)
        if row < 0:
            message = f"damaged record batch at offset {frame.base} of {topic}-{partition}"
            raise BrokenGuaranteeError(message)
    last = found[-1].last if found else first - 1
    return Chunk(topic, partition, first, last, buf, table[:, :row])


def _joined(raw: bytes, found: list[Frame]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return one buffer and, per frame, where its records lie in it; copies only what was compressed."""
    parts = [raw]
    size = len(raw)
    places: list[tuple[int, int]] = []
    for frame in found:
        if not frame.count:
            places.append((0, 0))
        elif frame.body is None:
            places.append((frame.at, frame.end))
        else:
            places.append((size, size + len(frame.body)))
            parts.append(frame.body)
            size += len(frame.body)
    if len(parts) == 1:
        return raw, places
    return b"".join(parts), places


def read_raw(topic: str) -> None:
    """From now on consumers of this process get `topic` as chunks."""
    _RAW_TOPICS.add(topic)
    fetcher.PartitionRecords = RawPartitionRecords
    fetcher.MemoryRecords = KeptRecords
