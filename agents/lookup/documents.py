"""Scores as documents for programs: the same from the command line and over HTTP."""

from __future__ import annotations

from typing import Annotated

import msgspec

from agents.lookup.reader import Ranked
from agents.lookup.stored import StoredScore
from schemas.instants import rfc3339
from schemas.score import Counts, Parts

Day = Annotated[str, msgspec.Meta(description="UTC day, YYYY-MM-DD")]
InstantText = Annotated[str, msgspec.Meta(description="RFC 3339 in UTC, to the millisecond")]


class ScoreDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What Renown says of a user. A change is null where no score of so long ago is known.

    `score` 1..100 is shown and moves slowly to `target_score`; `raw` is the influence mass that people are ranked
    by, and `parts` add up to it; `momentum` is the mass of the last hours, `reach` about how many different people
    engaged lately, `percentile` the share of everybody with less; `as_of` is the event time of it all. Of an account
    that is `linked_to` a person all of it is the person's; else that field is left out.
    """

    user: str
    score: float
    target_score: float
    raw: float
    relationships: float
    momentum: float
    reach: float
    percentile: float
    provisional: bool
    change_1d: float | None
    change_7d: float | None
    counts_7d: Counts
    parts: Parts
    as_of: InstantText
    version: int
    model: str
    linked_to: str | None = None


class RankedDocument(ScoreDocument, frozen=True, kw_only=True, gc=False):
    """A score with its place on a leaderboard, counted from 1."""

    rank: int


def score_document(found: StoredScore) -> ScoreDocument:
    """Return a score as programs get it."""
    return ScoreDocument(
        user=found.user,
        score=found.score,
        target_score=found.target_score,
        raw=found.raw,
        relationships=found.relationships,
        momentum=found.momentum,
        reach=found.reach,
        percentile=found.percentile,
        provisional=found.provisional,
        change_1d=found.change_1d,
        change_7d=found.change_7d,
        counts_7d=found.counts_7d,
        parts=found.parts,
        as_of=rfc3339(found.as_of),
        version=found.version,
        model=found.model,
        linked_to=found.linked_to,
    )


def ranked_document(found: Ranked) -> RankedDocument:
    """Return a place on a leaderboard as programs get it."""
    plain = score_document(found.score)
    return RankedDocument(rank=found.rank, **{name: getattr(plain, name) for name in ScoreDocument.__struct_fields__})
