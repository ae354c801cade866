"""A stretch of one partition's log, read outside the consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.chunk import Chunk
from streams.engine.raw_fetch import read_raw

FETCH_BYTES: Final = 8 << 20
WAIT_MS: Final = 1000


async def read_log(
    bootstrap: str | list[str], topic: str, partition: int, first: int, end: int, **security: Any
) -> AsyncIterator[Chunk]:
    """Yield chunks with the records `first`..`end` - 1 that the log still holds; it must reach `end`."""
    if first >= end:
        return
    read_raw(topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        **security,
    )
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        begins = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, max(first, begins))
        while await consumer.position(tp) < end:
            for chunk in (await consumer.getmany(tp, timeout_ms=WAIT_MS)).get(tp, []):
                yield _before(chunk, end)
    finally:
        await consumer.stop()


def _before(chunk: Chunk, end: int) -> Chunk:
    """Return the part of a chunk below offset `end`."""
    count = int(np.searchsorted(chunk.offsets, end))
    last = min(chunk.last, end - 1)
    return Chunk(chunk.topic, chunk.partition, chunk.first, last, chunk.buf, chunk.table[:, :count])
