"""What the API answers with, beside single scores and explanations: the types behind the documentation."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agents.departures import Name
from agents.lookup.documents import Day, RankedDocument, ScoreDocument


class ManyScores(msgspec.Struct, frozen=True, gc=False):
    """The scores of those who have one, in the order asked for, and the ids of those who have none."""

    scores: list[ScoreDocument]
    missing: list[str]


class Leaderboard(msgspec.Struct, frozen=True, gc=False):
    """The first places of a leaderboard; `size` counts everybody with influence on it."""

    network: str | None
    sort: Literal["raw", "momentum"]
    size: int
    places: list[RankedDocument]


class Neighbours(msgspec.Struct, frozen=True, gc=False):
    """Who stands just above and just below, in order of rank; `size` counts everybody."""

    size: int
    above: list[RankedDocument]
    user: RankedDocument
    below: list[RankedDocument]


class HistoryDay(msgspec.Struct, frozen=True, gc=False):
    """The last score shown on a day."""

    day: Day
    score: float


class History(msgspec.Struct, frozen=True, gc=False):
    """At most 90 days, oldest first; a day without a change is left out, its score was the one before."""

    user: str
    days: list[HistoryDay]


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A command that stands at `offset` of the commands topic; `obeyed` when that was seen within the wait."""

    user: str
    command: Name
    offset: Annotated[int, msgspec.Meta(ge=0)]
    obeyed: bool


class Linked(msgspec.Struct, frozen=True, gc=False):
    """A link, or with `person` null its end, that stands at `offset` of the commands topic; `obeyed` as in Asked."""

    account: str
    person: str | None
    offset: Annotated[int, msgspec.Meta(ge=0)]
    obeyed: bool


class Health(msgspec.Struct, frozen=True, gc=False):
    """Whether scores can be read."""

    status: Literal["ok", "degraded"]
    redis: Literal["up", "away"]


class Problem(msgspec.Struct, frozen=True, gc=False):
    """An error as RFC 9457 has it; `detail` names what was wrong and what to do."""

    type: str
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
