"""Reads the commands topic on from where it was read to last, to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.stages.suppression import Suppression


async def follow_on(settings: Settings, said: Suppression) -> None:
    """Have `said` take in every command that stands now and that it does not know."""
    place = TopicPartition(settings.topics.commands.name, 0)
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign([place])
        consumer.seek(place, said.following)
        end = (await consumer.end_offsets([place]))[place]
        while said.following < end:
            for record in (await consumer.getmany(place, timeout_ms=500)).get(place, []):
                said.take(record.offset, record.timestamp, record.value)
    finally:
        await consumer.stop()
