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
from streams.stages.scan import SPANS, scan

if TYPE_CHECKING:
    from schemas.engagement import Act
    from streams.engine.chunk import Chunk
    from streams.settings import Settings

Refusals = list[tuple[int, BadRecordError]]


@dataclass(frozen=True, slots=True)
class Admitted:
    """`columns` of the admitted engagements, their places `where` in the chunk, and the refusals by place.

    `undos` b1[n] says which of the engagements take back the act of their id.
    """

    columns: Columns
    where: np.ndarray
    refused: Refusals
    undos: np.ndarray


def admit(chunk: Chunk, settings: Settings) -> Admitted:
    """Return what of `chunk` counts: the plain records by the scan, the doubtful ones by the codec."""
    skew_ms = int(settings.max_future_skew_s * 1000)
    buf, spans = chunk.view, np.empty((SPANS, len(chunk)), np.int64)
    doubtful, kinds, at_ms = scan(buf, chunk.value_at, chunk.value_len, chunk.timestamps_ms, skew_ms, spans)
    offsets, produced = chunk.offsets, chunk.timestamps_ms
    where, refused, undos = np.arange(len(chunk)), Refusals(), np.zeros(len(chunk), np.bool_)
    if doubtful.any():
        acts, refused = _decided(chunk, np.flatnonzero(doubtful), skew_ms)
        buf = _entered(chunk, acts, spans, kinds, at_ms)
        undos[[place for place, act in acts if act.undo]] = True
        where = np.delete(where, [place for place, _ in refused])
        spans = np.ascontiguousarray(spans[:, where])
        kinds, at_ms, offsets, produced = kinds[where], at_ms[where], offsets[where], produced[where]
        undos = undos[where]
    columns = columns_of(buf, spans, kinds, at_ms, offsets, produced, settings.partitions, settings.hash_key.encode())
    return Admitted(columns, where, refused, undos)


def value_at(chunk: Chunk, place: int) -> bytes | None:
    """Return one value, without making the others."""
    start, length = int(chunk.value_at[place]), int(chunk.value_len[place])
    return None if length < 0 else chunk.buf[start : start + length]


def _decided(chunk: Chunk, places: np.ndarray, skew_ms: int) -> tuple[list[tuple[int, Act]], Refusals]:
    """Return acts and refusals among the records at `places`, each with its place, in order."""
    acts: list[tuple[int, Act]] = []
    refused = Refusals()
    chosen, appended = places.tolist(), chunk.timestamps_ms[places].tolist()
    outcomes = decode_engagements([value_at(chunk, place) for place in chosen])
    for place, appended_ms, outcome in zip(chosen, appended, outcomes, strict=True):
        error = outcome if isinstance(outcome, BadRecordError) else _objection(outcome, appended_ms, skew_ms)
        if error is not None:
            refused.append((place, error))
        elif not isinstance(outcome, BadRecordError):
            acts.append((place, outcome))
    return acts, refused


def _entered(
    chunk: Chunk, acts: list[tuple[int, Act]], spans: np.ndarray, kinds: np.ndarray, at_ms: np.ndarray
) -> np.ndarray:
    """Write `acts` into the columns; return a buffer (u1, read-only) that holds the chunk's texts and theirs."""
    if not acts:
        return chunk.view
    places = np.fromiter((place for place, _ in acts), np.int64, len(acts))
    texts = [text for _, act in acts for text in (act.id, act.actor, act.target)]
    length = np.fromiter(map(len, texts), np.int64, len(texts))
    # A fetch is shared by many chunks: only the stretch with this one's values is copied.
    first, end = int(chunk.value_at.min()), int((chunk.value_at + chunk.value_len).max())
    buf = np.frombuffer(chunk.buf[first:end] + b"".join(texts), np.uint8)
    spans[0::2] -= first
    spans[0::2, places] = (end - first + np.cumsum(length) - length).reshape(-1, SPANS // 2).T
    spans[1::2, places] = length.reshape(-1, SPANS // 2).T
    kinds[places] = np.fromiter((act.kind for _, act in acts), np.uint8, len(acts))
    at_ms[places] = np.fromiter((act.occurred_at_ms for _, act in acts), np.int64, len(acts))
    return buf


def _objection(act: Act, appended_ms: int, skew_ms: int) -> BadRecordError | None:
    if act.occurred_at_ms > appended_ms + skew_ms:
        ahead_s = (act.occurred_at_ms - appended_ms) / 1000
        detail = f"occurred_at is {ahead_s:.0f} s ahead of the broker's clock; at most {skew_ms // 1000} s are allowed"
        return BadRecordError(Reason.FROM_THE_FUTURE, detail)
    return None
