"""Reads the calibration topic from its beginning to its end: newest report of each partition, newest map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.published_map import MAP_KEY, PublishedMap, decode_map
from schemas.report import Report, decode_report
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings


async def read_calibration(settings: Settings) -> tuple[dict[int, Report], PublishedMap | None]:
    """Return the newest reports by partition and the newest map, as they stand now."""
    tp = TopicPartition(settings.topics.calibration.name, 0)
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    reports: dict[int, Report] = {}
    newest: PublishedMap | None = None
    try:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, []):
                if record.key == MAP_KEY:
                    newest = decode_map(record.value)
                else:
                    report = decode_report(record.value)
                    reports[report.partition] = report
    finally:
        await consumer.stop()
    return reports, newest
