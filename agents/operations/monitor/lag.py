"""How far each stage is behind, read from what Kafka holds: committed offsets against ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.clock import steady_s, wall_ms
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings

PROBE_LIMIT_S: Final = 2.0
PROBE_BYTES: Final = 64 * 1024
"""One record of each partition is wanted; the broker sends a whole batch."""


class Waiting(NamedTuple):
    """What a stage has before it in one partition: records, and the age of the oldest; None when it did not come."""

    stage: str
    partition: int
    records: int
    age_s: float | None


@dataclass(slots=True)
class Lag:
    """A consumer that belongs to no group, and an admin client; `start` before, `stop` after use."""

    settings: Settings
    _consumer: AIOKafkaConsumer = field(init=False)
    _admin: AIOKafkaAdminClient = field(init=False)

    def __post_init__(self) -> None:
        """Make both clients, in the running loop."""
        self._consumer = AIOKafkaConsumer(
            **kafka_client(self.settings), enable_auto_commit=False, max_partition_fetch_bytes=PROBE_BYTES
        )
        self._admin = AIOKafkaAdminClient(**kafka_client(self.settings))

    async def start(self) -> None:
        """Connect; KafkaError when the broker is away."""
        await self._consumer.start()
        await self._admin.start()

    async def stop(self) -> None:
        """Close both; nothing was joined."""
        await self._admin.close()
        await self._consumer.stop()

    async def look(self) -> list[Waiting]:
        """Return what every stage has before it in every partition."""
        topics = self.settings.topics
        stages = (
            ("actor", topics.engagements.name, topics.app_id),
            ("target", topics.credits.name, topics.app_id),
            ("scoring", topics.scores.name, topics.scoring_group),
        )
        places = {(stage, place): at for stage, topic, group in stages for place, at in await self._ahead(topic, group)}
        ages = await self._ages({place: start for (_, place), (start, end) in places.items() if start < end})
        return [
            Waiting(stage, place.partition, end - start, ages.get(place) if start < end else 0.0)
            for (stage, place), (start, end) in places.items()
        ]

    async def kept(self, topic: str) -> int:
        """Return how many offsets the topic's only partition holds."""
        place = TopicPartition(topic, 0)
        begins, ends = await self._consumer.beginning_offsets([place]), await self._consumer.end_offsets([place])
        kept: int = ends[place] - begins[place]
        return kept

    async def _ahead(self, topic: str, group: str) -> list[tuple[TopicPartition, tuple[int, int]]]:
        """Return the first offset to do and the end of every partition."""
        places = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
        committed = await self._admin.list_consumer_group_offsets(group, partitions=places)
        begins, ends = await self._consumer.beginning_offsets(places), await self._consumer.end_offsets(places)
        done = {place: committed[place].offset if place in committed else -1 for place in places}
        return [(place, (min(max(done[place], begins[place]), ends[place]), ends[place])) for place in places]

    async def _ages(self, starts: dict[TopicPartition, int]) -> dict[TopicPartition, float]:
        """Return the age of the record at each offset; those that do not come in time are left out."""
        if not starts:
            return {}
        self._consumer.assign(list(starts))
        for place, offset in starts.items():
            self._consumer.seek(place, offset)
        found: dict[TopicPartition, float] = {}
        until = steady_s() + PROBE_LIMIT_S
        while len(found) < len(starts) and steady_s() < until:
            polled = await self._consumer.getmany(timeout_ms=100, max_records=len(starts))
            for place, records in polled.items():
                found.setdefault(place, max(0.0, (wall_ms() - records[0].timestamp) / 1000))
            self._consumer.pause(*found)
            await asyncio.sleep(0)
        self._consumer.pause(*starts)
        return found
