"""Law 11: joining accounts lowers nobody, and comes to the same whatever came first."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rows import empty_users
from streams.model.calibration import calibrate, score_of
from streams.model.join import emptied, join_pairs, join_rows, rename, taken
from streams.model.scoring import Reading, read
from streams.model.shown import show
from tests.property.histories import LATENESS_S, READ_AFTER_S, USERS, histories, newest
from tests.property.vectorised import DAY, Event, World, after

ROUNDING = 1e-9
ACCOUNT, PERSON = 0, 1


def join(world: World) -> None:
    """Make user 0 an account of user 1, as the stages do."""
    state, p = world.states[0], world.parameters
    _move(world)
    rename(state, ACCOUNT, PERSON, p)


@settings(max_examples=100, deadline=None)
@given(events=histories(max_size=40, late=LATENESS_S), wait=READ_AFTER_S)
def test_joining_lowers_nobody(events: list[Event], wait: float) -> None:
    """The person has at least what each had, in every dimension, and all others what they had."""
    at = newest(events) + wait
    world = after(events, USERS)
    before = world.read(at)
    join(world)
    found = world.read(at)
    for name in ("raw", "relationships", "momentum", "reach", "known", "new"):
        had, has = getattr(before, name), getattr(found, name)
        assert has[PERSON] >= max(had[ACCOUNT], had[PERSON]) - ROUNDING, name
        assert (has[2:] >= had[2:] - ROUNDING).all(), name
    assert found.raw[ACCOUNT] == 0
    assert abs(found.parts[PERSON].sum() - found.raw[PERSON]) < 1e-6


@settings(max_examples=50, deadline=None)
@given(events=histories(max_size=30))
def test_joining_never_lowers_what_is_shown(events: list[Event]) -> None:
    """At once and on the way to the joined target, no week being the first: never below the higher of the two."""
    world, alone = after(events, USERS), after(events, USERS)
    at = newest(events)
    frozen = calibrate(world.read(at), world.parameters, epoch=0, as_of=at).influence
    for each, first_s in product((world, alone), (0.0, 8 * DAY)):
        _show(each, frozen, at + first_s)
    join(world)
    for later in (8 * DAY, 8 * DAY + 3600.0, 9 * DAY, 18 * DAY):
        shown = [_show(each, frozen, at + later) for each in (world, alone)]
        assert shown[0][PERSON] >= max(shown[1][ACCOUNT], shown[1][PERSON]) - 1e-6


def _show(world: World, frozen: object, at: float) -> np.ndarray:
    rows = world.states[0].rows[:USERS]
    reading: Reading = read(rows, at, world.parameters)
    found: np.ndarray = show(rows, score_of(reading.raw, frozen, world.parameters), at, world.parameters)  # type: ignore[arg-type]
    return found


@settings(max_examples=50, deadline=None)
@given(events=histories(max_size=30, late=LATENESS_S), when=st.integers(0, 30), wait=READ_AFTER_S)
def test_a_credit_may_come_before_or_after_the_link(events: list[Event], when: int, wait: float) -> None:
    """What an act grants is decided where the actor lives; when it arrives does not matter."""
    at = newest(events) + wait
    events = [event for event in events if event.actor not in {ACCOUNT, PERSON}] or [Event(at, 2, 0)]
    early, late = World(USERS), World(USERS)
    for i, event in enumerate(events):
        granted = [world.price([event]) for world in (early, late)]
        early.credit(granted[0])
        if i >= when:
            granted[1].events = [e._replace(target=PERSON) if e.target == ACCOUNT else e for e in granted[1].events]
        if i == when:
            _move(late)
        late.credit(granted[1])
    if when >= len(events):
        _move(late)
    _move(early)
    for mine, theirs in zip(_columns(early, at), _columns(late, at), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


def _move(world: World) -> None:
    state, p = world.states[0], world.parameters
    row, others, slots = taken(state, ACCOUNT)
    join_rows(state, PERSON, row[0], p)
    join_pairs(state, PERSON, others, slots, p)
    emptied(state, ACCOUNT)


def _columns(world: World, at: float) -> list[np.ndarray]:
    found = world.read(at)
    return [found.raw, found.relationships, found.momentum, found.reach, world.rows()["received"]]


def test_joining_nothing_changes_nothing() -> None:
    world = after([Event(1.8e9, 2, PERSON), Event(1.8e9, PERSON, 2)], USERS)
    before = world.rows()[PERSON].tobytes()
    join_rows(world.states[0], PERSON, empty_users(1)[0], world.parameters)
    assert world.rows()[PERSON].tobytes() == before
