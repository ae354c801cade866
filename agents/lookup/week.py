"""A user's last seven days: what changed, why, and who helped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from agents.lookup.documents import Day
from agents.lookup.explanation import ExplanationDocument, MomentDocument
from agents.lookup.reader import Day as StoredDay
from agents.lookup.words import made_of, received, standing, told

DAYS: Final = 7


class ReportDay(msgspec.Struct, frozen=True, gc=False):
    """The score shown at the end of a day."""

    day: Day
    score: float


class Helper(msgspec.Struct, frozen=True, gc=False):
    """Somebody behind the moments of the week: how many of them, and what they weigh now."""

    user: str
    acts: int
    mass: float


class WeeklyReport(msgspec.Struct, frozen=True, gc=False):
    """Seven days up to the score's own time; `change` is null where no score of a week ago is known."""

    user: str
    first_day: Day
    last_day: Day
    score: float
    change: float | None
    days: list[ReportDay]
    moments: list[MomentDocument]
    helpers: list[Helper]
    lines: list[str]
    advice: list[str]


def report_of(explanation: ExplanationDocument, history: Sequence[StoredDay]) -> WeeklyReport:
    """Return the report of the seven days that end with the score explained."""
    last = date.fromisoformat(explanation.as_of[:10])
    first = last - timedelta(days=DAYS - 1)
    moments = [each for each in explanation.moments if each.occurred_at[:10] >= first.isoformat()]
    helpers = _helpers(moments)
    return WeeklyReport(
        user=explanation.user,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        score=explanation.score,
        change=explanation.change_7d,
        days=_days(history, first, last),
        moments=moments,
        helpers=helpers,
        lines=_lines(explanation, moments, helpers),
        advice=explanation.advice,
    )


def _days(history: Sequence[StoredDay], first: date, last: date) -> list[ReportDay]:
    """Return one score a day; a day without a record kept the score before it, days before the first have none."""
    known, found = dict(history), []
    before = [each.score for each in history if each.day < first.isoformat()]
    current = before[-1] if before else None
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        current = known.get(day, current)
        if current is not None:
            found.append(ReportDay(day, current))
    return found


def _helpers(moments: Sequence[MomentDocument]) -> list[Helper]:
    masses: dict[str, list[float]] = {}
    for moment in moments:
        if moment.actor:
            masses.setdefault(moment.actor, []).append(moment.mass)
    found = [Helper(user, len(each), sum(each)) for user, each in masses.items()]
    return sorted(found, key=lambda helper: (-helper.mass, helper.user))


def _lines(explanation: ExplanationDocument, moments: Sequence[MomentDocument], helpers: Sequence[Helper]) -> list[str]:
    return [
        standing(explanation),
        _changed(explanation.change_7d),
        f"Received in seven days: {received(explanation.counts_7d)}.",
        made_of({name: part.mass for name, part in explanation.parts.items()}),
        *[f"Moved it most: {told(moment)}" for moment in moments],
        *([f"Who helped most: {', '.join(helper.user for helper in helpers)}."] if helpers else []),
    ]


def _changed(change: float | None) -> str:
    if change is None:
        return "No score of a week ago is known yet."
    if abs(change) < 0.05:  # noqa: PLR2004 - half of the last digit shown
        return "The same as a week ago."
    return f"{abs(change):.1f} points {'more' if change > 0 else 'less'} than a week ago."
