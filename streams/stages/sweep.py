"""The sweep: looks at every row of a partition at the present stream time, sketches the masses for calibration,
and marks the users whose score is no longer what was last sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.calibration import BINS, Histogram
from streams.model.calibration import counted, score_of, sparse
from streams.model.scoring import read
from streams.model.shown import show
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    from schemas.published_map import PublishedMap
    from streams.engine.partition import Partition
    from streams.model.parameters import Parameters

SLICE_ROWS = 20_000
"""Rows read without giving way: about ten milliseconds."""
NOTICEABLE = 0.02
"""Scores and targets that differ by less are not worth a record; readers may rely on 0.05."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep of a partition: under which map, at which stream time, what it counted.

    `applied` is the credit offset before which every credit was folded in when the sweep began.
    """

    map_version: int
    at_s: float
    applied: int
    users: int
    influence: Histogram
    relationships: Histogram


async def sweep(
    partition: Partition, applied: int, at_s: float, published: PublishedMap | None, p: Parameters
) -> Swept:
    """Return what a whole sweep found; marks changed users as pending on the way.

    `applied` says how far the credits had come when the sweep began.
    """
    influence, relationships = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    users, start = 0, 0
    while start < partition.state.count:
        rows = partition.state.rows[start : min(start + SLICE_ROWS, partition.state.count)]
        reading = read(rows, at_s, p)
        influence += counted(reading.raw, p.unscored_raw)
        relationships += counted(reading.relationships, p.unscored_raw)
        users += int((reading.raw >= p.unscored_raw).sum())
        if published is not None:
            target = score_of(reading.raw, published.map.influence, p)
            pending_of(partition).mark(start + _changed(rows, target, at_s, p, full=not published.warm_up))
        start += SLICE_ROWS
        await asyncio.sleep(0)
    version = published.version if published is not None else 0
    sketches = sparse(influence, p.unscored_raw), sparse(relationships, p.unscored_raw)
    return Swept(version, at_s, applied, users, *sketches)


def _changed(rows: np.ndarray, target: np.ndarray, at_s: float, p: Parameters, *, full: bool) -> np.ndarray:
    """Return the indices of rows whose shown or target score differs noticeably from what was sent."""
    preview = rows[["shown", "shown_at", "target", "first_scored_at"]].copy()
    shown = show(preview, target, at_s, p, full=full)
    sent = np.maximum(rows["sent_score"], 1.0)
    moved = (np.abs(shown - sent) >= NOTICEABLE) | (np.abs(target - np.maximum(rows["target"], 1.0)) >= NOTICEABLE)
    return np.flatnonzero(moved)
