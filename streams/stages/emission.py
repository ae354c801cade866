"""Emission: turns users that wait into scores on the scores topic, at most one per user and interval.

Off the commit path: a slow broker or sink delays scores, never commits. A score counts as sent when the broker
has acknowledged it; until then the row says that its newest credit is unsent, and a successor sends it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.rows import USER
from schemas.score import Score, encode_score
from streams.clock import wall_ms, wall_s
from streams.model.calibration import score_of
from streams.model.scoring import Reading, read
from streams.model.shown import show
from streams.stages.pending import pending_of
from streams.stages.rendering import rendered
from streams.stages.versions import versions_of

if TYPE_CHECKING:
    from schemas.published_map import PublishedMap
    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters

LANE = "scores"
BATCH_USERS = 2_000
"""Scores made without giving way: about 30 milliseconds."""
_SHOWN = ("shown", "shown_at", "target", "first_scored_at")


@dataclass(frozen=True, slots=True)
class Due:
    """The users of one partition whose scores go out now, and the rows as they were read."""

    partition: Partition
    slots: np.ndarray
    produced_at_ms: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.slots)


@dataclass(frozen=True, slots=True)
class Emission:
    """Emits for one pipeline; everything it needs is handed in."""

    topic: str
    interval_s: float
    parameters: Parameters
    model: str
    writer: Callable[[], FencedWriter]
    metrics: Metrics

    async def emit(self, partitions: list[Partition], at_s: float, published: PublishedMap) -> int:
        """Send the scores of the users that are due in all of `partitions`; return how many were sent."""
        limit = max(1, BATCH_USERS // max(1, len(partitions)))
        due = [found for partition in partitions if len(found := self._due(partition, limit))]
        if not due:
            return 0
        records = self._records(due, at_s, published)
        await asyncio.gather(*(self._send(one, found) for one, found in zip(due, records, strict=True)))
        sent = sum(map(len, due))
        self.metrics.emitted.inc(sent)
        return sent

    def _due(self, partition: Partition, limit: int) -> Due:
        """Take the users that are due out of those that wait."""
        pending, now_s = pending_of(partition), wall_s()
        slots = pending.due(now_s, self.interval_s, min(limit, versions_of(partition).room()))
        produced = pending.produced_at_ms[slots]
        pending.waits[slots] = 0
        pending.produced_at_ms[slots] = 0
        pending.sent_at[slots] = now_s
        return Due(partition, slots, produced, partition.state.rows[slots])

    def _records(
        self, due: list[Due], at_s: float, published: PublishedMap
    ) -> list[list[tuple[bytes, bytes, tuple[()]]]]:
        """Bring the users' shown scores to `at_s`, in the tables too, and return each partition's records."""
        rows = np.frombuffer(bytearray(b"".join([one.rows.data for one in due])), USER)
        reading = read(rows, at_s, self.parameters)
        target = score_of(reading.raw, published.map.influence, self.parameters)
        show(rows, target, at_s, self.parameters, full=not published.warm_up)
        scores = iter(self._scores(due, rows, reading, published, at_s))
        start = 0
        for one in due:
            brought, live = rows[start : start + len(one)], one.partition.state.rows
            one.rows[:] = brought
            for field in _SHOWN:
                live[field][one.slots] = brought[field]
            one.partition.state.dirty[one.slots] = True
            start += len(one)
        return [[_record(next(scores)) for _ in range(len(one))] for one in due]

    def _scores(
        self, due: list[Due], rows: np.ndarray, reading: Reading, published: PublishedMap, at_s: float
    ) -> list[Score]:
        return rendered(
            [one.partition.index.key(slot).decode() for one in due for slot in one.slots.tolist()],
            np.concatenate([versions_of(one.partition).take(len(one)) for one in due]),
            np.concatenate([one.produced_at_ms for one in due]),
            rows,
            reading,
            published.map,
            at_s,
            self.parameters,
            self.model,
            wall_ms(),
        )

    async def _send(self, one: Due, records: list[tuple[bytes, bytes, tuple[()]]]) -> None:
        """Append the records of one partition, and note in its rows that they are out."""
        partition = one.partition
        await self.writer().append_open(self.topic, partition.number, records, lane=LANE)
        if partition.active:
            live = partition.state.rows
            live["sent_last"][one.slots] = one.rows["got_last"]
            live["sent_score"][one.slots] = np.round(one.rows["shown"], 1)
            partition.state.dirty[one.slots] = True


def _record(score: Score) -> tuple[bytes, bytes, tuple[()]]:
    return score.user.encode(), encode_score(score), ()
