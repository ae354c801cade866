"""The sweep: looks at every row of a partition at the present stream time and marks the users whose score is no
longer what was last sent. Under a new map, or while one is due, it weighs every mass and sketches them for
calibration; between maps no target moves by time alone, and it only looks how far scores have come on their way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from schemas.calibration import BINS, Histogram
from streams.model.calibration import counted, score_of, sparse, weighed_at
from streams.model.scoring import read
from streams.stages.exchange import epoch_of
from streams.stages.noticeable import faded, moved, retargeted
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    from schemas.published_map import PublishedMap
    from streams.engine.partition import Partition
    from streams.model.parameters import Parameters

SLICE_ROWS = 20_000
"""Rows weighed without giving way: about ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep of a partition: under which map, at which stream time, what it counted.

    `applied` is the credit offset before which every credit was folded in when the sweep began; `weighed_at` the
    instant at which masses were weighed for targets, 0 without a map.
    """

    map_version: int
    at_s: float
    applied: int
    weighed_at: float
    users: int
    influence: Histogram
    relationships: Histogram


async def sweep(
    partition: Partition,
    applied: int,
    at_s: float,
    published: PublishedMap | None,
    p: Parameters,
    last: Swept | None = None,
) -> Swept:
    """Return what a sweep found, after `last`; marks changed users as pending on the way.

    `applied` says how far the credits had come when the sweep began.
    """
    if published is None or last is None or _is_due(at_s, published, last):
        return await _weigh(partition, applied, at_s, published, p)
    for start, rows in _slices(partition):
        pending_of(partition).mark(start + moved(rows, rows["target"], at_s, p, full=not published.warm_up))
        await asyncio.sleep(0)
    return replace(last, at_s=at_s, applied=applied)


def _is_due(at_s: float, published: PublishedMap, last: Swept) -> bool:
    """Whether masses must be weighed: a map is due, another one came, or the one in force is left behind."""
    return (
        published.warm_up
        or epoch_of(at_s) > published.map.epoch
        or published.version != last.map_version
        or weighed_at(published.map, at_s) != last.weighed_at
    )


async def _weigh(
    partition: Partition, applied: int, at_s: float, published: PublishedMap | None, p: Parameters
) -> Swept:
    influence, relationships = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    users, weighed = 0, 0.0 if published is None else weighed_at(published.map, at_s)
    for start, rows in _slices(partition):
        now = read(rows, at_s, p)
        influence += counted(now.raw, p.unscored_raw)
        relationships += counted(now.relationships, p.unscored_raw)
        users += int((now.raw >= p.unscored_raw).sum())
        if published is not None:
            then = now if weighed == at_s else read(rows, at_s, p, weighed_at=weighed)
            target = score_of(then.raw, published.map.influence, p)
            pending_of(partition).mark(start + _changed(rows, target, at_s, p, full=not published.warm_up))
        await asyncio.sleep(0)
    version = published.version if published is not None else 0
    sketches = sparse(influence, p.unscored_raw), sparse(relationships, p.unscored_raw)
    return Swept(version, at_s, applied, weighed, users, *sketches)


def _slices(partition: Partition) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the rows by slices, each with its first slot; rows that are added on the way are seen too."""
    start = 0
    while start < partition.state.count:
        end = min(start + SLICE_ROWS, partition.state.count)
        yield start, partition.state.rows[start:end]
        start = end


def _changed(rows: np.ndarray, target: np.ndarray, at_s: float, p: Parameters, *, full: bool) -> np.ndarray:
    """Return the indices of rows that have anything new to tell."""
    told = [moved(rows, target, at_s, p, full=full), retargeted(rows, target), faded(rows, at_s, p)]
    return np.unique(np.concatenate(told))
