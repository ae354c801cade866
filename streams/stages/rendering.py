"""Rows and what they amount to, as the scores that readers get: columns into contract fields, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.credit import KIND_MASK
from schemas.kinds import KINDS
from schemas.rows import DAYS
from schemas.score import Counts, Parts, Score
from streams.model.calibration import percentile, score_of
from streams.model.moments import top_now
from streams.model.parameters import DAY_S
from streams.model.shown import is_provisional

if TYPE_CHECKING:
    from schemas.calibration import CalibrationMap
    from streams.model.parameters import Parameters
    from streams.model.scoring import Reading

_OFFSET_MASK, _SOURCE_SHIFT, _SOURCE_MASK, _KIND_SHIFT = (1 << 48) - 1, 48, 0xFFF, 60
_KIND_NAMES = np.array(KINDS, object)


def rendered(
    users: list[str],
    versions: np.ndarray,
    produced_at_ms: np.ndarray,
    rows: np.ndarray,
    reading: Reading,
    calibration: CalibrationMap,
    at_s: float,
    parameters: Parameters,
    model: str,
    emitted_at_ms: int,
) -> list[Score]:
    """Return one score per user; `rows` hold shown scores that are already brought to `at_s`."""
    columns = (
        np.maximum(rows["shown"], 1.0).round(1),
        rows["target"].round(3),
        reading.raw,
        score_of(reading.relationships, calibration.relationships, parameters).round(1),
        reading.momentum,
        reading.reach,
        (100 * percentile(reading.raw, calibration.influence)).round(3),
        is_provisional(rows, at_s, parameters),
    )
    parts = [Parts(*row) for row in reading.parts.tolist()]
    counts = [Counts(*row) for row in seven_days(rows, at_s).tolist()]
    as_of = round(at_s * 1000)
    lists = (column.tolist() for column in (*columns, versions, produced_at_ms))
    return [
        Score(
            user,
            shown,
            target,
            raw,
            bond,
            momentum,
            reach,
            p,
            first,
            part,
            count,
            moment,
            as_of,
            version,
            model,
            at,
            emitted_at_ms,
        )
        for user, shown, target, raw, bond, momentum, reach, p, first, version, at, part, count, moment in zip(
            users, *lists, parts, counts, moments(rows, at_s, parameters), strict=True
        )
    ]


def seven_days(rows: np.ndarray, at_s: float) -> np.ndarray:
    """Return u4[n, kinds]: engagements received on the UTC day of `at_s` and the six days before."""
    today = int(at_s // DAY_S)
    newest = rows["day"].astype(np.int64)
    days = newest[:, None] - (newest[:, None] - np.arange(DAYS)) % DAYS
    within = (days > today - DAYS) & (days <= today)
    counts: np.ndarray = (rows["days"] * within[:, :, None]).sum(axis=1)
    return counts


def moments(rows: np.ndarray, at_s: float, parameters: Parameters) -> list[Any]:
    """Return each row's heaviest events now, heaviest first, as tuples in the order of `Moment`'s fields.

    Plain tuples, because a `Moment` is encoded as an array: there are five for every score.
    """
    refs, ats, masses = top_now(rows, at_s, parameters)
    kinds = _KIND_NAMES[(refs >> _KIND_SHIFT) & KIND_MASK]
    sources, offsets = (refs >> _SOURCE_SHIFT) & _SOURCE_MASK, refs & _OFFSET_MASK
    held = (refs >= 0).sum(axis=1).tolist()
    columns = (c.tolist() for c in (sources, offsets, kinds, (ats * 1000).round().astype(np.int64), masses))
    return [tuple(zip(*row, strict=True))[:count] for *row, count in zip(*columns, held, strict=True)]
