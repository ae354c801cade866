"""Why a user has a score: parts that add up to raw, the events that weigh most, and both in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.kinds import KINDS
from streams.model.moments import top_now
from streams.model.parameters import DAY_S, HOUR_S, Parameters
from streams.model.scoring import read

RELATIONSHIPS = "relationships"
_PLURAL = {"like": "likes", "share": "shares", "mention": "mentions", "reply": "replies"}
_NOTICEABLE = 0.005
_HOURS_UP_TO = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class TopEvent:
    """An event that weighs much now: `share` of everything received, 0..1."""

    kind: str
    at: float
    mass: float
    share: float
    ref: int = -1


@dataclass(frozen=True, slots=True)
class Explanation:
    """`parts` (mass by kind, and relationships) add up to `raw`; `lines` say the same to people.

    `established` is the share of it that comes from established people, None where that is not recorded.
    """

    raw: float
    parts: dict[str, float]
    established: float | None
    top: tuple[TopEvent, ...]
    lines: tuple[str, ...]


def explain(row: npt.NDArray[Any], at: float, parameters: Parameters) -> Explanation:
    """Return the explanation of one row (dtype USER, an array of one) at the instant `at`."""
    reading = read(row, at, parameters)
    bonds = parameters.bond_weight * (reading.bond_known[0] + reading.bond_new[0])
    gross = float(reading.known[0] + reading.new[0] + bonds)
    known = float(reading.known[0] + parameters.bond_weight * reading.bond_known[0])
    refs, ats, masses = (columns[0].tolist() for columns in top_now(row, at, parameters))
    top = tuple(
        TopEvent(KINDS[ref >> 60 & 3], when, mass, mass / gross if gross else 0.0, ref)
        for ref, when, mass in zip(refs, ats, masses, strict=True)
        if ref >= 0
    )
    parts = dict(zip((*KINDS, RELATIONSHIPS), reading.parts[0].tolist(), strict=True))
    raw = float(reading.raw[0])
    established = known / gross if gross else None
    return Explanation(raw, parts, established, top, _lines(raw, parts, established, top, at))


def explain_record(record: Mapping[str, Any]) -> Explanation:
    """Return the explanation of a score record as a mapping of the score contract's fields.

    A record does not say how much newcomers were damped: an event's share is then of raw, at most.
    """
    raw, at = float(record["raw"]), record["as_of"] / 1000.0
    parts = {name: float(record["parts"][name]) for name in (*KINDS, RELATIONSHIPS)}
    moments = [tuple(moment) for moment in record.get("moments", ())]
    whole = max(raw, sum(float(moment[4]) for moment in moments))
    top = tuple(
        TopEvent(kind, at_ms / 1000.0, mass, mass / whole if whole else 0.0, _ref(kind, partition, offset))
        for partition, offset, kind, at_ms, mass in moments
    )
    return Explanation(raw, parts, None, top, _lines(raw, parts, None, top, at))


def _ref(kind: str, partition: int, offset: int) -> int:
    return KINDS.index(kind) << 60 | partition << 48 | offset


def _lines(
    raw: float, parts: Mapping[str, float], established: float | None, top: Sequence[TopEvent], at: float
) -> tuple[str, ...]:
    if raw <= 0:
        return ("Nothing received yet that still counts.",)
    shares = sorted(((mass / raw, name) for name, mass in parts.items()), key=lambda each: (-each[0], each[1]))
    lines = [f"{_percent(share)} from {_source(name)}" for share, name in shares if share >= _NOTICEABLE]
    if established is not None:
        lines.append(_standing(established))
    lines += [f"{_percent(event.share)}: one {event.kind} {_ago(at - event.at)} ago" for event in top]
    return tuple(lines)


def _source(name: str) -> str:
    return "mutual relationships" if name == RELATIONSHIPS else _PLURAL[name]


def _standing(established: float) -> str:
    if established >= 1 - _NOTICEABLE:
        return "all of it by established people"
    if established < _NOTICEABLE:
        return "all of it by newcomers, whose weight is limited"
    return f"{_percent(established)} of what came in by established people, the rest by newcomers"


def _percent(share: float) -> str:
    return f"{np.clip(100 * share, 0, 100):.0f} %" if share >= _NOTICEABLE else "under 1 %"


def _ago(elapsed_s: float) -> str:
    if elapsed_s < HOUR_S:
        return "less than an hour"
    if elapsed_s < _HOURS_UP_TO:
        hours = int(elapsed_s // HOUR_S)
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{int(elapsed_s // DAY_S)} days"
