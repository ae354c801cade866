"""A publisher for live sources: connected while it is used, closed within a second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from agents.ingest.kafka import connected_producer, partition_count, stopped
from agents.ingest.publisher import Publisher
from agents.ingest.tally import Tally
from schemas.topics import Topics

CLOSE_S = 1.0


@asynccontextmanager
async def publisher_of(
    bootstrap: str, topics: Topics, security: Mapping[str, Any], source: str, now_ms: Callable[[], int], tally: Tally
) -> AsyncIterator[Publisher]:
    """Give a publisher whose dead letters name `source`; KafkaAwayError when Kafka or the topic is not there."""
    producer = await connected_producer(bootstrap, **security)
    try:
        partitions = await partition_count(producer, topics.engagements.name)
        yield Publisher(producer, topics, partitions, source, source, now_ms, tally=tally)
    finally:
        await stopped(producer, CLOSE_S)
