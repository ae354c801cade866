"""Engagements into Kafka for a service: connects by itself, answers within a limit, keeps nothing unacknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.ingest.kafka import KafkaAwayError, connected_producer, partition_count, stopped
from agents.ingest.outcomes import Ready
from schemas.errors import BadSettingError
from schemas.topics import Topics

ACK_LIMIT_S = 5.0
PROBE_LIMIT_S = 2.0
PAUSE_S = 1.0
MOST_WAITING = 256
log = structlog.get_logger()


@dataclass(slots=True)
class Delivery:
    """Delivers to the engagements topic of `topics` on `bootstrap`.

    An idempotent producer tries for ever and in order, so one that merely waits is kept through an outage; one
    that has failed has a gap in its sequence and is replaced. `ack_limit_s` bounds what a caller waits.
    """

    bootstrap: str
    topics: Topics
    ack_limit_s: float = ACK_LIMIT_S
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _producer: AIOKafkaProducer | None = None
    _connecting: asyncio.Task[None] | None = None
    _waiting: int = 0
    _told: bool = field(default=False)

    def start(self) -> None:
        """Connect in the background; until then `deliver` raises."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def stop(self) -> None:
        """Flush within a limit and close."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        if self._producer is not None:
            await stopped(self._producer)

    async def deliver(self, ready: Sequence[Ready], source: str = "") -> None:
        """Return when Kafka has acknowledged all of `ready`; KafkaAwayError when it did not within the limit.

        `source` goes with each record as its header of that name, empty = no header.
        After an error some may have been taken: sending all of them again is right, ids make repeats harmless.
        """
        if self._producer is None or self._waiting >= MOST_WAITING:
            raise KafkaAwayError("Kafka does not take events now; send the same again later")
        producer = self._producer
        self._waiting += 1
        try:
            async with asyncio.timeout(self.ack_limit_s):
                await self._sent(producer, ready, source)
        except TimeoutError as error:
            raise KafkaAwayError("Kafka did not acknowledge in time; send the same again later") from error
        except KafkaError as error:
            self._replace(producer, error)
            raise KafkaAwayError("Kafka failed to take the events; send the same again later") from error
        finally:
            self._waiting -= 1

    async def is_up(self) -> bool:
        """Whether the broker answers now and has the topic."""
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                await partition_count(self._producer, self.topics.engagements.name)
        except (TimeoutError, KafkaError, KafkaAwayError):
            return False
        return True

    async def _sent(self, producer: AIOKafkaProducer, ready: Sequence[Ready], source: str) -> None:
        topic, headers = self.topics.engagements.name, [("source", source.encode())] if source else None
        pending = [await producer.send(topic, each.value, each.act.actor, headers=headers) for each in ready]
        # Unlike gather, wait leaves the producer's futures alone when the limit passes: they end by themselves.
        done, _ = await asyncio.wait(pending)
        for future in done:
            future.result()

    def _replace(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        if self._producer is producer:
            log.warning("producer failed, replacing it", error=repr(error)[:200])
            self._producer = None
            self.start()

    async def _connect(self) -> None:
        while self._producer is None:
            try:
                producer = await connected_producer(self.bootstrap, **self.security)
                await self._checked(producer)
            except (KafkaAwayError, KafkaError, BadSettingError) as error:
                if not self._told:
                    log.warning("kafka away", error=str(error)[:200])
                self._told = True
                await asyncio.sleep(PAUSE_S)
            else:
                self._producer, self._told = producer, False
                log.info("kafka connected", bootstrap=self.bootstrap)

    async def _checked(self, producer: AIOKafkaProducer) -> None:
        try:
            await partition_count(producer, self.topics.engagements.name)
        except (KafkaAwayError, KafkaError):
            await stopped(producer)
            raise
