"""Who did what in a moment: moments name places in the engagements topic, which holds the acts themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.codec import decode_engagement
from schemas.engagement import Act
from schemas.errors import BadRecordError
from schemas.score import Moment

LIMIT_S = 5.0
FETCH_BYTES = 64 * 1024


async def acts_of(bootstrap: str, topic: str, moments: Sequence[Moment], **security: Any) -> list[Act | None]:
    """Return the act behind each moment, None where Kafka is away or keeps it no longer."""
    found: list[Act | None] = [None] * len(moments)
    if not moments:
        return found
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=int(LIMIT_S * 1000),
        **security,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            await consumer.start()
            for at, moment in enumerate(moments):
                found[at] = await _act(consumer, TopicPartition(topic, moment.partition), moment.offset)
    except (KafkaError, OSError, TimeoutError):
        return found  # an explanation without names is better than none
    finally:
        await consumer.stop()
    return found


async def _act(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> Act | None:
    consumer.assign([place])
    consumer.seek(place, offset)
    try:
        record = await consumer.getone(place)
        return decode_engagement(record.value) if record.offset == offset else None
    except (KafkaError, BadRecordError):
        return None
