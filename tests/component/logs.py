"""Batches as the broker would give them back."""

from __future__ import annotations

from streams.engine.batches import Batch, Producer, encoded
from streams.engine.chunk import Chunk
from streams.engine.raw_fetch import read_fetch


def chunk_of_batches(number: int, batches: list[Batch]) -> Chunk:
    """Return a log that holds `batches` alone."""
    raw, end = b"", 0
    for batch in batches:
        raw += end.to_bytes(8, "big") + encoded(batch, Producer(0, 0, 0), 0)[8:]
        end += batch.count
    return read_fetch("users", number, raw, 0, check_crcs=True)
