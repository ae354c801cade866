"""Waits until every event sent so far is scored and readable, looking only at what Kafka holds.

Four conditions in turn: engagements committed (twice, for those that were re-routed), credits committed,
every partition settled under the newest calibration, scores written to Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from agents.calibration_feed import read_calibration
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import RenownError
from schemas.report import Report, basis_of
from streams.security import kafka_client

if TYPE_CHECKING:
    from schemas.published_map import PublishedMap
    from streams.settings import Settings

POLL_S = 0.1


class DrainTimeoutError(RenownError):
    """Time was over before everything was readable; says what was missing."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How long it took, and how many engagement records the topic holds."""

    seconds_s: float
    engagements: int


class _Wait:
    """One drain: its clients, its deadline, and what it tells the caller."""

    def __init__(self, settings: Settings, timeout_s: float, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self.started = time.monotonic()
        self.timeout_s = timeout_s
        self.tell = tell
        self.consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
        self.admin = AIOKafkaAdminClient(**kafka_client(settings))

    async def ends(self, topic: str) -> dict[TopicPartition, int]:
        """Return the end offset of every partition."""
        partitions = [TopicPartition(topic, p) for p in range(self.settings.partitions)]
        ends: dict[TopicPartition, int] = await self.consumer.end_offsets(partitions)
        return ends

    async def committed(self, group: str, ends: dict[TopicPartition, int], what: str) -> None:
        """Wait until `group` has committed up to `ends`."""
        while True:
            have = await self.admin.list_consumer_group_offsets(group, partitions=list(ends))
            left = sum(max(0, end - max(0, have[tp].offset if tp in have else 0)) for tp, end in ends.items())
            if not left:
                return
            await self.pause(f"{left:,} {what} to go")

    async def settled(self, ends: dict[TopicPartition, int]) -> None:
        """Wait until every partition that got credits has settled under the newest map."""
        needed = {tp.partition: end for tp, end in ends.items()}
        while True:
            reports, newest = await read_calibration(self.settings)
            missing = _unsettled(reports, newest, needed)
            if not missing:
                return
            await self.pause(f"{missing} partitions still scoring")

    async def pause(self, what: str) -> None:
        """Sleep a little; raise DrainTimeoutError saying `what` is missing when time is over."""
        if time.monotonic() - self.started > self.timeout_s:
            detail = f"drain: {what} after {self.timeout_s:g} s; are workers running (`renown status`)?"
            raise DrainTimeoutError(detail)
        self.tell(what)
        await asyncio.sleep(POLL_S)


def _unsettled(reports: dict[int, Report], newest: PublishedMap | None, needed: dict[int, int]) -> int:
    """Return how many partitions are behind; an empty pipeline is settled."""
    if not any(needed.values()):
        return 0
    if newest is None or (newest.warm_up and newest.basis != basis_of(reports.values())):
        return len(needed)
    as_of = max((r.as_of for r in reports.values()), default=0)
    return sum(
        1
        for partition, end in needed.items()
        if (r := reports.get(partition)) is None
        or r.settled < end
        or r.map_version != newest.version
        or r.as_of != as_of
    )


async def drain(settings: Settings, timeout_s: float, tell: Callable[[str], None] = lambda _: None) -> Drained:
    """Return when every engagement sent before the call is readable in Redis; raise DrainTimeoutError otherwise."""
    await require_rights(settings, Role.AUDITOR)
    wait, topics = _Wait(settings, timeout_s, tell), settings.topics
    try:
        await wait.consumer.start()
        await wait.admin.start()
        for _ in range(2):
            engagements = await wait.ends(topics.engagements.name)
            await wait.committed(topics.app_id, engagements, "engagements")
        credited = await wait.ends(topics.credits.name)
        await wait.committed(topics.app_id, credited, "credit records")
        await wait.settled(credited)
        await wait.committed(topics.scoring_group, await wait.ends(topics.scores.name), "scores")
    finally:
        await wait.admin.close()
        await wait.consumer.stop()
    return Drained(time.monotonic() - wait.started, sum(engagements.values()))
