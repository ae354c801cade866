"""Which engagements of a chunk count, and why the others do not: a pure function of the log.

The clock of "too far in the future" is the broker's append time, so a replay after a crash decides the same,
and a worker whose own clock jumps decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.codec import decode_engagements
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from streams.stages.columns import Columns, columns_of

if TYPE_CHECKING:
    from schemas.engagement import Act
    from streams.engine.chunk import Chunk
    from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Admitted:
    """`columns` of the admitted engagements, their places `where` in the chunk, and the refusals by place."""

    columns: Columns
    where: np.ndarray
    refused: list[tuple[int, BadRecordError]]


def admit(chunk: Chunk, settings: Settings) -> Admitted:
    """Return what of `chunk` counts."""
    skew_ms = int(settings.max_future_skew_s * 1000)
    acts: list[Act] = []
    where: list[int] = []
    refused: list[tuple[int, BadRecordError]] = []
    appended = chunk.timestamps_ms.tolist()
    for place, outcome in enumerate(decode_engagements(chunk.values)):
        error = outcome if isinstance(outcome, BadRecordError) else _objection(outcome, appended[place], skew_ms)
        if error is not None:
            refused.append((place, error))
        elif not isinstance(outcome, BadRecordError):
            acts.append(outcome)
            where.append(place)
    places = np.array(where, np.int64)
    offsets, produced = chunk.offsets[places], chunk.timestamps_ms[places]
    columns = columns_of(acts, offsets, produced, settings.partitions, settings.hash_key.encode())
    return Admitted(columns, places, refused)


def _objection(act: Act, appended_ms: int, skew_ms: int) -> BadRecordError | None:
    if act.occurred_at_ms > appended_ms + skew_ms:
        ahead_s = (act.occurred_at_ms - appended_ms) / 1000
        detail = f"occurred_at is {ahead_s:.0f} s ahead of the broker's clock; at most {skew_ms // 1000} s are allowed"
        return BadRecordError(Reason.FROM_THE_FUTURE, detail)
    if act.undo:
        return BadRecordError(Reason.UNDO_UNAVAILABLE, "this version takes nothing back; kept for a later retry")
    return None
