"""The users table as its changelog holds it, read outside the consumer group: for audits and tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.log_reader import read_log
from streams.engine.partition import Partition
from streams.engine.restore import apply
from streams.security import kafka_client, kafka_security

if TYPE_CHECKING:
    from streams.settings import Settings


async def tables(settings: Settings) -> AsyncIterator[Partition]:
    """Yield the durable state of every partition, one after the other."""
    topic, security = settings.topics.users_changelog.name, kafka_security(settings)
    partitions = [TopicPartition(topic, p) for p in range(settings.partitions)]
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
    finally:
        await consumer.stop()
    for tp in partitions:
        partition = Partition(tp.partition, settings.hash_key.encode())
        async for chunk in read_log(settings.bootstrap, topic, tp.partition, begins[tp], ends[tp], **security):
            apply(partition, chunk)
        yield partition
