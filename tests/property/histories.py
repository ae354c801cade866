"""Random histories for hypothesis: who acts on whom, when, and how late it arrives."""

from __future__ import annotations

from hypothesis import strategies as st

from schemas.kinds import KINDS
from tests.property.vectorised import DAY, Event

USERS = 5
START = 1_780_000_000.0
GAPS_S = st.sampled_from((0.0, 0.0, 1.0, 60.0, 3600.0, 7200.5, DAY / 3, DAY, 5 * DAY, 45 * DAY, 80 * DAY))
SHORT_GAPS_S = st.sampled_from((0.0, 1.0, 60.0, 600.0, 3600.0, 7200.0))
PUNCTUAL_S = st.just(0.0)
LATENESS_S = st.sampled_from((0.0, 0.0, 0.0, 5.0, 3600.0, 3 * DAY, 50 * DAY))
READ_AFTER_S = st.sampled_from((0.0, 1.0, 3600.0, DAY, 6 * DAY, 40 * DAY))
KIND = st.sampled_from(KINDS)


@st.composite
def histories(
    draw: st.DrawFn,
    max_size: int = 40,
    users: int = USERS,
    gaps: st.SearchStrategy[float] = GAPS_S,
    late: st.SearchStrategy[float] = PUNCTUAL_S,
    start: float = START,
) -> list[Event]:
    """Return acts in order of arrival; with `late`, some happened before acts that arrived earlier."""
    step = st.tuples(gaps, st.integers(0, users - 1), st.integers(1, users - 1), KIND, late)
    now, events = start, []
    for gap, actor, away, kind, lateness in draw(st.lists(step, min_size=1, max_size=max_size)):
        now += gap
        events.append(Event(max(0.0, now - lateness), actor, (actor + away) % users, kind))
    return events


def newest(events: list[Event]) -> float:
    """Return the latest instant among `events`."""
    return max(e.at for e in events)
