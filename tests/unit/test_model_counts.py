"""Counts are exact: in all, and over the seven newest UTC days of event time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from schemas.kinds import KINDS
from schemas.rows import DAYS
from tests.property.histories import GAPS_S, LATENESS_S, USERS, histories
from tests.property.vectorised import DAY, Event, after


@settings(max_examples=60, deadline=None)
@given(events=histories(gaps=GAPS_S, late=LATENESS_S))
def test_seven_day_counts_are_those_of_the_newest_seven_days(events: list[Event]) -> None:
    """A late act counts on its own day while that day is kept, and never on another."""
    rows = after(events, USERS).rows()
    for user in range(USERS):
        mine = [event for event in events if event.target == user]
        newest = max((int(event.at // DAY) for event in mine), default=0)
        expected = Counter((int(e.at // DAY), e.kind) for e in mine if e.at // DAY > newest - DAYS)
        found = {
            (newest - back, kind): int(rows[user]["days"][(newest - back) % DAYS, code])
            for back in range(DAYS)
            for code, kind in enumerate(KINDS)
        }
        assert {key: count for key, count in found.items() if count} == expected


@settings(max_examples=30, deadline=None)
@given(events=histories(late=LATENESS_S))
def test_totals_count_every_act_once_on_each_side(events: list[Event]) -> None:
    """What an audit of the tables must find."""
    rows = after(events, USERS).rows()
    for user in range(USERS):
        received = Counter(e.kind for e in events if e.target == user)
        given_ = Counter(e.kind for e in events if e.actor == user)
        assert rows[user]["received"].tolist() == [received[kind] for kind in KINDS]
        assert rows[user]["given"].tolist() == [given_[kind] for kind in KINDS]
