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
from streams.clock import steady_s, wall_ms
from streams.engine.framing import RecordArrays, Slices, gathered
from streams.engine.snapshot import as_bytes
from streams.model.calibration import score_of, weighed_at
from streams.model.scoring import Reading, read
from streams.model.shown import show
from streams.stages.pending import pending_of
from streams.stages.rendering import fields_of
from streams.stages.score_text import Fields, Same, score_texts
from streams.stages.versions import versions_of

if TYPE_CHECKING:
    from schemas.published_map import PublishedMap
    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters

LANE = "scores"
BATCH_USERS = 4_000
"""Scores made without giving way: about 15 milliseconds."""
_SHOWN = ("shown", "shown_at", "target", "first_scored_at")


@dataclass(frozen=True, slots=True)
class Due:
    """The users of one partition whose scores go out now."""

    partition: Partition
    slots: np.ndarray
    produced_at_ms: np.ndarray

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.slots)

    def users(self) -> Slices:
        """Return the users, in the partition's own buffer."""
        index = self.partition.index
        return Slices(index.arena, index.start[self.slots], index.length[self.slots])

    def bring(self, rows: np.ndarray) -> None:
        """Put what `show` made of the rows into the table, to be written to the changelog."""
        live = self.partition.state.rows
        for field in _SHOWN:
            live[field][self.slots] = rows[field]
        self.partition.state.dirty[self.slots] = True


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes out of one partition: the records, and the rows that they tell of."""

    due: Due
    rows: np.ndarray
    records: RecordArrays


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
        await asyncio.gather(*map(self._send, self._made(due, at_s, published)))
        self._measure(due)
        sent = sum(map(len, due))
        self.metrics.emitted.inc(sent)
        return sent

    def _measure(self, due: list[Due]) -> None:
        """Note how long ago the oldest engagement behind these scores was appended, if any is."""
        appended = np.concatenate([one.produced_at_ms for one in due])
        appended = appended[appended > 0]
        if len(appended):
            self.metrics.scored_seconds.observe(max(0, wall_ms() - int(appended.min())) / 1000)

    def _due(self, partition: Partition, limit: int) -> Due:
        """Take the users that are due out of those that wait."""
        pending, now_s = pending_of(partition), steady_s()
        slots = pending.due(now_s, self.interval_s, min(limit, versions_of(partition).room()))
        produced = pending.produced_at_ms[slots]
        pending.waits[slots] = 0
        pending.produced_at_ms[slots] = 0
        pending.sent_at[slots] = now_s
        return Due(partition, slots, produced)

    def _made(self, due: list[Due], at_s: float, published: PublishedMap) -> list[Sending]:
        """Bring the users' shown scores to `at_s`, in the tables too, and return what each partition sends."""
        rows = _rows(due)
        reading = read(rows, at_s, self.parameters, weighed_at=weighed_at(published.map, at_s))
        target = score_of(reading.raw, published.map.influence, self.parameters)
        show(rows, target, at_s, self.parameters, full=not published.warm_up)
        users = gathered([one.users() for one in due])
        same = Same(round(at_s * 1000), self.model, wall_ms())
        scores = score_texts(users, self._fields(due, rows, reading, published, at_s), same)
        made, start = [], 0
        for one in due:
            end = start + len(one)
            one.bring(rows[start:end])
            records = RecordArrays(users.part(start, end), scores.part(start, end))
            made.append(Sending(one, rows[start:end], records))
            start = end
        return made

    def _fields(
        self, due: list[Due], rows: np.ndarray, reading: Reading, published: PublishedMap, at_s: float
    ) -> Fields:
        return fields_of(
            np.concatenate([versions_of(one.partition).take(len(one)) for one in due]),
            np.concatenate([one.produced_at_ms for one in due]),
            rows,
            reading,
            published.map,
            at_s,
            self.parameters,
        )

    async def _send(self, sending: Sending) -> None:
        """Append the records of one partition, and note in its rows that they are out."""
        partition, slots, rows = sending.due.partition, sending.due.slots, sending.rows
        await self.writer().append_open(self.topic, partition.number, sending.records, lane=LANE)
        if partition.active:
            live = partition.state.rows
            live["sent_last"][slots] = rows["got_last"]
            live["sent_score"][slots] = np.round(rows["shown"], 1)
            partition.state.dirty[slots] = True


def _rows(due: list[Due]) -> np.ndarray:
    """Return a copy of all the users' rows, one partition's behind the other's."""
    rows, start = np.empty(sum(map(len, due)), USER), 0
    for one in due:
        end = start + len(one)
        np.take(as_bytes(one.partition.state.rows), one.slots, axis=0, out=as_bytes(rows[start:end]), mode="clip")
        start = end
    return rows
