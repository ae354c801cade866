"""Follows a topic of one partition from its beginning, outside any consumer group: every worker reads all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.security import kafka_client

if TYPE_CHECKING:
    from schemas.topics import Topic
    from streams.settings import Settings


async def follow(
    settings: Settings, topic: Topic, take: Callable[[ConsumerRecord], None], caught_up: asyncio.Event
) -> None:
    """Hand every record to `take` for ever; set `caught_up` when the end of the topic was reached once."""
    tp = TopicPartition(topic.name, 0)
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        while True:
            if not caught_up.is_set() and await consumer.position(tp) >= end:
                caught_up.set()
            for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                for record in records:
                    take(record)
    finally:
        await consumer.stop()
