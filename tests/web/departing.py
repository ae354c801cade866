"""A deployment with topics of its own on the real Kafka, for departures that are asked for over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from agents.topics import apply
from schemas.topics import Topic
from streams.settings import Settings
from tests.web.serving import Keys, serving

PATH = "/v1/departures"
RATE = 1_000.0


@dataclass
class Desk:
    """Settings of the deployment, keys of its callers, and what its topics hold."""

    settings: Settings
    keys: Keys

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ClientSession]:
        """Give a client of the API, with keys, on this deployment."""
        own = {
            "bootstrap": self.settings.bootstrap,
            "prefix": self.settings.prefix,
            "partitions": self.settings.partitions,
        }
        redis = (self.settings.redis_url, self.settings.redis_prefix)
        async with serving(*redis, self.keys.gate, **own) as session:
            yield session

    async def ask(
        self, client: ClientSession, user: str, command: str = "opt_out", wait_s: int = 0
    ) -> tuple[int, dict[str, object]]:
        """Return status and document of the steward's request."""
        body, path = {"user": user, "command": command}, f"{PATH}?wait={wait_s}"
        async with client.post(path, json=body, headers=self.keys.header("desk")) as answer:
            return answer.status, await answer.json()

    async def records(self, topic: Topic) -> list[ConsumerRecord[bytes, bytes]]:
        """Return what partition 0 of a topic holds."""
        place, found = TopicPartition(topic.name, 0), []
        async with AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap) as consumer:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
        return found

    async def append(self, topic: Topic) -> None:
        """Append a record that nobody reads to partition 0 of a topic."""
        async with AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap) as producer:
            await producer.send_and_wait(topic.name, b"x:a", partition=0)


async def desk_of(bootstrap: str, redis_url: str, prefix: str, folder: Path, rate: float = RATE) -> Desk:
    """Return a deployment whose topics exist and of which nothing runs."""
    settings = Settings(bootstrap=bootstrap, redis_url=redis_url, prefix=prefix, redis_prefix=prefix, partitions=2)
    await apply(settings)
    return Desk(settings, Keys(folder, rate))
