"""A score explained: its parts as shares that add up, the formula filled in, and the moments that weigh most."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agents.lookup.advice import advice_for
from agents.lookup.arithmetic import apportioned, percentages
from agents.lookup.documents import InstantText, ScoreDocument, score_document
from agents.lookup.formula import Formula, formula_of
from agents.lookup.stored import StoredScore
from agents.lookup.words import lines
from schemas.engagement import Act
from schemas.instants import rfc3339
from schemas.kinds import KINDS
from schemas.score import Moment
from streams.model.parameters import Parameters


class PartDocument(msgspec.Struct, frozen=True, gc=False):
    """A part's mass, its percent of all mass, and its points of the score shown; points add up to the score."""

    mass: float
    percent: float
    points: float


class MomentDocument(msgspec.Struct, frozen=True, gc=False):
    """An act that weighs most now; `actor` and `object` are null where Kafka does not hold it any more."""

    kind: str
    occurred_at: InstantText
    mass: float
    actor: str | None
    object: str | None
    partition: int
    offset: int


class ExplanationDocument(ScoreDocument, frozen=True, kw_only=True, gc=False):
    """A score with its reasons; `lines` says them in plain words, `advice` what could be done for real."""

    parts: dict[str, PartDocument]  # type: ignore[assignment]
    moments: list[MomentDocument]
    lines: list[str]
    formula: Formula
    advice: list[str]


def explained(
    score: StoredScore, moments: Sequence[Moment], acts: Sequence[Act | None], parameters: Parameters | None = None
) -> ExplanationDocument:
    """Return the explanation; `acts` are those behind the moments (None where unknown), `parameters` the formula's."""
    plain = score_document(score)
    shown = [_moment(moment, _own(score, moment, act)) for moment, act in zip(moments, acts, strict=True)]
    kept = {name: getattr(plain, name) for name in ScoreDocument.__struct_fields__ if name != "parts"}
    return ExplanationDocument(
        **kept,
        parts=_parts(score),
        moments=shown,
        lines=lines(score, shown),
        formula=formula_of(score, parameters),
        advice=advice_for(score, parameters),
    )


def _parts(score: StoredScore) -> dict[str, PartDocument]:
    masses: dict[str, float] = msgspec.to_builtins(score.parts)
    shares, points = percentages(masses), apportioned(masses, score.score)
    return {name: PartDocument(mass, shares[name], points[name]) for name, mass in masses.items()}


def _own(score: StoredScore, moment: Moment, act: Act | None) -> Act | None:
    """Return the act if it is the moment's: a log that was made anew holds others at the same places."""
    fits = act is not None and act.target.decode() == (score.linked_to or score.user) and KINDS[act.kind] == moment.kind
    return act if fits else None


def _moment(moment: Moment, act: Act | None) -> MomentDocument:
    actor, about = (act.actor.decode(), act.object.decode() or None) if act else (None, None)
    return MomentDocument(
        moment.kind, rfc3339(moment.occurred_at_ms), moment.mass, actor, about, moment.partition, moment.offset
    )
