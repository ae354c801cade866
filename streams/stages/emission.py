"""Emission: turns users that wait into scores on the scores topic, at most one per user and interval.

Off the commit path: a slow broker or sink delays scores, never commits. A score counts as sent when the broker
has acknowledged it; until then the row says that its newest credit is unsent, and a successor sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.credit import KIND_MASK
from schemas.kinds import KINDS
from schemas.rows import DAYS
from schemas.score import Counts, Moment, Parts, Score, encode_score
from streams.clock import wall_ms, wall_s
from streams.model.calibration import percentile, score_of
from streams.model.moments import top_now
from streams.model.parameters import DAY_S
from streams.model.scoring import Reading, read
from streams.model.shown import is_provisional, show
from streams.stages.pending import pending_of
from streams.stages.versions import versions_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.published_map import PublishedMap
    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters

LANE = "scores"
BATCH_USERS = 2_000
"""Scores made without giving way: about 30 milliseconds."""
_OFFSET_MASK, _SOURCE_SHIFT, _SOURCE_MASK, _KIND_SHIFT = (1 << 48) - 1, 48, 0xFFF, 60


@dataclass(frozen=True, slots=True)
class Emission:
    """Emits for one pipeline; everything it needs is handed in."""

    topic: str
    interval_s: float
    parameters: Parameters
    model: str
    writer: Callable[[], FencedWriter]
    metrics: Metrics

    async def emit(self, partition: Partition, at_s: float, published: PublishedMap) -> int:
        """Send the scores of the users that are due; return how many were sent."""
        pending, versions = pending_of(partition), versions_of(partition)
        slots = pending.due(wall_s(), self.interval_s, min(BATCH_USERS, versions.room()))
        if not len(slots):
            return 0
        produced = pending.produced_at_ms[slots]
        pending.waits[slots] = 0
        pending.produced_at_ms[slots] = 0
        pending.sent_at[slots] = wall_s()
        rows = partition.state.rows[slots]
        records = self._records(partition, slots, rows, at_s, published, produced)
        await self.writer().append_open(self.topic, partition.number, records, lane=LANE)
        if partition.active:
            live = partition.state.rows
            live["sent_last"][slots] = rows["got_last"]
            live["sent_score"][slots] = np.round(rows["shown"], 1)
            partition.state.dirty[slots] = True
        self.metrics.emitted.inc(len(slots))
        return len(slots)

    def _records(
        self,
        partition: Partition,
        slots: np.ndarray,
        rows: np.ndarray,
        at_s: float,
        published: PublishedMap,
        produced: np.ndarray,
    ) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
        """Bring the users' shown scores to `at_s`, in the table too, and return their records."""
        reading = read(rows, at_s, self.parameters)
        target = score_of(reading.raw, published.map.influence, self.parameters)
        shown = show(rows, target, at_s, self.parameters, full=not published.warm_up)
        live = partition.state.rows
        for field in ("shown", "shown_at", "target", "first_scored_at"):
            live[field][slots] = rows[field]
        partition.state.dirty[slots] = True
        scores = self._scores(partition, slots, rows, reading, published, at_s, produced, shown)
        return [(score.user.encode(), encode_score(score), []) for score in scores]

    def _scores(
        self,
        partition: Partition,
        slots: np.ndarray,
        rows: np.ndarray,
        reading: Reading,
        published: PublishedMap,
        at_s: float,
        produced: np.ndarray,
        shown: np.ndarray,
    ) -> list[Score]:
        versions = versions_of(partition).take(len(slots)).tolist()
        percentiles = (100 * percentile(reading.raw, published.map.influence)).round(3).tolist()
        bonds = score_of(reading.relationships, published.map.relationships, self.parameters).round(1).tolist()
        provisional = is_provisional(rows, at_s, self.parameters).tolist()
        parts, counts = reading.parts.tolist(), _seven_days(rows, at_s).tolist()
        moments = _moments(rows, at_s, self.parameters)
        emitted_at_ms, as_of = wall_ms(), round(at_s * 1000)
        columns = (shown.round(1), rows["target"].round(3), reading.raw, reading.momentum, reading.reach, produced)
        shown_, target, raw, momentum, reach, produced_ = (c.tolist() for c in columns)
        return [
            Score(
                user=partition.index.key(slot).decode(),
                score=shown_[i],
                target_score=target[i],
                raw=raw[i],
                relationships=bonds[i],
                momentum=momentum[i],
                reach=reach[i],
                percentile=percentiles[i],
                provisional=provisional[i],
                parts=Parts(*parts[i]),
                counts_7d=Counts(*counts[i]),
                moments=moments[i],
                as_of=as_of,
                version=versions[i],
                model=self.model,
                produced_at_ms=produced_[i],
                emitted_at_ms=emitted_at_ms,
            )
            for i, slot in enumerate(slots.tolist())
        ]


def _seven_days(rows: np.ndarray, at_s: float) -> np.ndarray:
    """Return u4[n, kinds]: engagements received on the UTC day of `at_s` and the six days before."""
    today = int(at_s // DAY_S)
    newest = rows["day"].astype(np.int64)
    days = newest[:, None] - (newest[:, None] - np.arange(DAYS)) % DAYS
    within = (days > today - DAYS) & (days <= today)
    counts: np.ndarray = (rows["days"] * within[:, :, None]).sum(axis=1)
    return counts


def _moments(rows: np.ndarray, at_s: float, p: Parameters) -> list[tuple[Moment, ...]]:
    """Return each row's heaviest events now, heaviest first."""
    refs, ats, masses = top_now(rows, at_s, p)
    return [
        tuple(_moment(ref, at, mass) for ref, at, mass in zip(*columns, strict=True) if ref >= 0)
        for columns in zip(refs.tolist(), ats.tolist(), masses.tolist(), strict=True)
    ]


def _moment(ref: int, at_s: float, mass: float) -> Moment:
    kind = KINDS[(ref >> _KIND_SHIFT) & KIND_MASK]
    return Moment((ref >> _SOURCE_SHIFT) & _SOURCE_MASK, ref & _OFFSET_MASK, kind, round(at_s * 1000), mass)
