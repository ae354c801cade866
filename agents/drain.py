"""Waits until every event sent so far is scored and readable, looking only at what Kafka holds.

Four conditions in turn: engagements committed (twice, for those that were re-routed), credits committed (twice, for
those of linked accounts), every partition settled under the newest calibration, scores written to Redis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.calibration_feed import read_calibration
from agents.rights.kafka_check import require_rights
from agents.waiting import Waiting
from schemas.access import Role
from schemas.errors import RenownError
from schemas.report import Report, basis_of

if TYPE_CHECKING:
    from aiokafka import TopicPartition

    from schemas.published_map import PublishedMap
    from streams.settings import Settings


class DrainTimeoutError(RenownError):
    """Time was over before everything was readable; says what was missing."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How long it took, and how many engagement records the topic holds."""

    seconds_s: float
    engagements: int


def _late(what: str) -> DrainTimeoutError:
    return DrainTimeoutError(f"drain: {what}; are workers running (`renown status`)?")


async def _settled(wait: Waiting, ends: dict[TopicPartition, int]) -> None:
    """Wait until every partition that got credits has settled under the newest map."""
    needed = {tp.partition: end for tp, end in ends.items()}
    while True:
        reports, newest = await read_calibration(wait.settings)
        missing = _unsettled(reports, newest, needed)
        if not missing:
            return
        await wait.pause(f"{missing} partitions still scoring")


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
    wait, topics = Waiting(settings, timeout_s, tell, _late), settings.topics
    async with wait.connected():
        for _ in range(2):
            engagements = await wait.ends(topics.engagements.name)
            await wait.committed(topics.app_id, engagements, "engagements to go")
        for _ in range(2):
            credited = await wait.ends(topics.credits.name)
            await wait.committed(topics.app_id, credited, "credit records to go")
        await _settled(wait, credited)
        await wait.committed(topics.scoring_group, await wait.ends(topics.scores.name), "scores to go")
    return Drained(time.monotonic() - wait.started, sum(engagements.values()))
