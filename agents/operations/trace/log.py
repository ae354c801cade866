"""Reading a topic from an instant to its present end, outside any group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings

POLL_MS = 500


async def records(
    settings: Settings, topic: str, partitions: Sequence[int], since_ms: int
) -> AsyncIterator[ConsumerRecord]:
    """Yield what was appended since an instant, in order within each partition; KafkaError when Kafka is away."""
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        for place in (TopicPartition(topic, number) for number in partitions):
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            start = (await consumer.offsets_for_times({place: since_ms}))[place]
            if start is None:
                continue
            consumer.seek(place, start.offset)
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
                    yield record
    finally:
        await consumer.stop()
