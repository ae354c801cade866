"""What a score tells, as columns over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.credit import KIND_MASK
from schemas.rows import DAYS, KIND_COUNT
from streams.model.calibration import percentile, score_of
from streams.model.compiled import compiled
from streams.model.moments import top_now
from streams.model.parameters import DAY_S
from streams.model.shown import is_provisional
from streams.stages.score_text import FIRST_MOMENT, FLOATS, PARTS, PRODUCED_AT, SHOWN, VERSION, WHOLE, Fields

if TYPE_CHECKING:
    from schemas.calibration import CalibrationMap
    from streams.model.parameters import Parameters
    from streams.model.scoring import Reading

_OFFSET_MASK, _SOURCE_SHIFT, _SOURCE_MASK, _KIND_SHIFT = (1 << 48) - 1, 48, 0xFFF, 60


def fields_of(
    versions: np.ndarray,
    produced_at_ms: np.ndarray,
    rows: np.ndarray,
    reading: Reading,
    calibration: CalibrationMap,
    at_s: float,
    parameters: Parameters,
) -> Fields:
    """Return the fields of one score per row; `rows` hold shown scores that are already brought to `at_s`."""
    floats, whole = np.empty((len(rows), FLOATS)), np.empty((len(rows), WHOLE), np.int64)
    floats[:, : len(SHOWN)] = np.column_stack(
        (
            np.maximum(rows["shown"], 1.0).round(1),
            rows["target"].round(3),
            reading.raw,
            score_of(reading.relationships, calibration.relationships, parameters).round(1),
            reading.momentum,
            reading.reach,
            (100 * percentile(reading.raw, calibration.influence)).round(3),
        )
    )
    floats[:, len(SHOWN) : len(SHOWN) + len(PARTS)] = reading.parts
    whole[:, :VERSION] = seven_days(rows, at_s)
    whole[:, VERSION], whole[:, PRODUCED_AT] = versions, produced_at_ms
    refs, ats, floats[:, len(SHOWN) + len(PARTS) :] = top_now(rows, at_s, parameters)
    whole[:, FIRST_MOMENT:] = _moments(refs, ats)
    held = (refs >= 0).sum(axis=1)
    return Fields(floats, whole, held, is_provisional(rows, at_s, parameters).astype(np.uint8))


def _moments(refs: np.ndarray, ats: np.ndarray) -> np.ndarray:
    """Return i8[n, MOMENT * TOP_EVENTS]: of every event its partition, offset, kind and epoch ms, as `Fields` say."""
    sources, kinds = (refs >> _SOURCE_SHIFT) & _SOURCE_MASK, (refs >> _KIND_SHIFT) & KIND_MASK
    at_ms = (ats * 1000).round().astype(np.int64)
    return np.stack((sources, refs & _OFFSET_MASK, kinds, at_ms), axis=2).reshape(len(refs), -1)


@compiled
def _seven_days(day: np.ndarray, days: np.ndarray, today: int, counts: np.ndarray) -> None:
    for i in range(len(day)):
        for one in range(max(day[i], today) - DAYS + 1, min(day[i], today) + 1):
            for k in range(KIND_COUNT):
                counts[i, k] += days[i, one % DAYS, k]


def seven_days(rows: np.ndarray, at_s: float) -> np.ndarray:
    """Return i8[n, kinds]: engagements received on the UTC day of `at_s` and the six days before."""
    counts = np.zeros((len(rows), KIND_COUNT), np.int64)
    # A column of one row is contiguous and one of many is not: to the compiler those are two types.
    day, days = np.ascontiguousarray(rows["day"]), np.ascontiguousarray(rows["days"])
    _seven_days(day, days, int(at_s // DAY_S), counts)
    return counts
