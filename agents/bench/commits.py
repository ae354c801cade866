"""Waits until consumers have committed what lies in their topics, looking often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from agents.bench.errors import BenchError
from agents.bench.rig import Rig
from schemas.topics import Topic

POLL_S: Final = 0.05
STALL_LIMIT_S: Final = 120.0
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Commits:
    """Looks at the worker group of a rig through clients that are started."""

    rig: Rig
    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer

    async def until_all(self, topic: Topic, progress: Progress = lambda _: None) -> None:
        """Return when everything in `topic` is committed; BenchError when nothing moves for two minutes."""
        settings = self.rig.settings
        partitions = [TopicPartition(topic.name, number) for number in range(topic.count(settings.partitions))]
        ends = await self.consumer.end_offsets(partitions)
        before, moved_at = -1, time.monotonic()
        while True:
            have = await self.admin.list_consumer_group_offsets(settings.topics.app_id, partitions=partitions)
            done = sum(min(end, max(0, have[tp].offset)) for tp, end in ends.items() if tp in have)
            progress(done)
            if done == sum(ends.values()):
                return
            self.rig.check()
            if done > before:
                before, moved_at = done, time.monotonic()
            if time.monotonic() - moved_at > STALL_LIMIT_S:
                raise BenchError(f"{topic.name}: no commit for {STALL_LIMIT_S:.0f} s at {done} of {sum(ends.values())}")
            await asyncio.sleep(POLL_S)
