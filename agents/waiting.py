"""Waiting for a pipeline to get somewhere, looking only at what Kafka holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.errors import RenownError
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings

POLL_S = 0.1


class Waiting:
    """One wait: its clients, its deadline, what it tells the caller, and the error that `late` makes of what is
    missing when time is over.
    """

    def __init__(
        self, settings: Settings, timeout_s: float, tell: Callable[[str], None], late: Callable[[str], RenownError]
    ) -> None:
        self.settings, self.started = settings, time.monotonic()
        self._timeout_s, self._tell, self._late = timeout_s, tell, late
        self._consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
        self.admin = AIOKafkaAdminClient(**kafka_client(settings))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Have the clients started for the block."""
        try:
            await self._consumer.start()
            await self.admin.start()
            yield
        finally:
            await self.admin.close()
            await self._consumer.stop()

    async def ends(self, topic: str) -> dict[TopicPartition, int]:
        """Return the end offset of every partition."""
        places = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(places)
        return found

    async def offsets(self, group: str, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return what `group` has committed of each place, 0 for nothing."""
        found = await self.admin.list_consumer_group_offsets(group, partitions=list(places))
        return {place: max(0, found[place].offset) if place in found else 0 for place in places}

    async def committed(self, group: str, ends: dict[TopicPartition, int], what: str) -> None:
        """Wait until `group` has committed up to `ends`; `what` is said of the number of records left."""
        while True:
            have = await self.offsets(group, ends)
            left = sum(max(0, end - have[place]) for place, end in ends.items())
            if not left:
                return
            await self.pause(f"{left:,} {what}")

    async def pause(self, what: str) -> None:
        """Sleep a little; raise the error that says `what` is missing when time is over."""
        if time.monotonic() - self.started > self._timeout_s:
            raise self._late(f"{what} after {self._timeout_s:g} s")
        self._tell(what)
        await asyncio.sleep(POLL_S)
