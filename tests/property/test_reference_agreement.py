"""The kernels against the slow reference, on random histories."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kinds import KINDS
from streams.model.parameters import PROFILES, Parameters
from tests.property.histories import GAPS_S, LATENESS_S, READ_AFTER_S, USERS, histories, newest
from tests.property.vectorised import DAY, Event, World, after
from tests.reference.model import Reference, Score

TOLERANCE = 1e-9


def reference_of(events: list[Event], tau: float = 7 * DAY) -> Reference:
    world = Reference(tau)
    for event in events:
        world.act(event.at, str(event.actor), str(event.target), event.kind)
    return world


def assert_agree(world: World, reference: Reference, at: float) -> None:
    reading = world.read(at)
    for user in range(world.users):
        expected = reference.read(str(user), at)
        found = Score(
            raw=reading.raw[user],
            relationships=reading.relationships[user],
            momentum=reading.momentum[user],
            reach=reading.reach[user],
            parts=dict(zip((*KINDS, "relationships"), reading.parts[user], strict=True)),
        )
        for name in ("raw", "relationships", "momentum", "reach", "parts"):
            close = pytest.approx(getattr(expected, name), rel=TOLERANCE, abs=TOLERANCE)
            assert getattr(found, name) == close, f"{name} of user {user}"


@settings(max_examples=200, deadline=None)
@given(events=histories(), wait=READ_AFTER_S)
def test_kernels_equal_the_reference_on_acts_in_order(events: list[Event], wait: float) -> None:
    """The vectorised formula is the formula: months of acts, both ways, read at any later instant."""
    assert_agree(after(events, USERS), reference_of(events), newest(events) + wait)


@settings(max_examples=200, deadline=None)
@given(events=histories(late=LATENESS_S), wait=READ_AFTER_S)
def test_kernels_equal_the_reference_on_late_acts(events: list[Event], wait: float) -> None:
    """An act that arrives late lands where it belongs, in every mass and relationship."""
    assert_agree(after(events, USERS), reference_of(events), newest(events) + wait)


@settings(max_examples=60, deadline=None)
@given(events=histories(start=0.0, late=LATENESS_S), wait=READ_AFTER_S)
def test_kernels_equal_the_reference_from_the_first_instant_of_1970(events: list[Event], wait: float) -> None:
    """Zero is an instant like any other: nothing takes it for never."""
    assert_agree(after(events, USERS), reference_of(events), newest(events) + wait)


@settings(max_examples=60, deadline=None)
@given(events=histories(gaps=st.sampled_from((0.0, 60.0, DAY / 2))), wait=READ_AFTER_S)
def test_kernels_equal_the_reference_under_the_burst_profile(events: list[Event], wait: float) -> None:
    """Tenure of one day instead of seven changes who is established, the same in both."""
    assert_agree(after(events, USERS, PROFILES["burst"]), reference_of(events, DAY), newest(events) + wait)


@settings(max_examples=20, deadline=None)
@given(repeats=st.integers(60, 200), gap=st.sampled_from((0.0, 1.0, 300.0)), tail=histories(max_size=10))
def test_kernels_equal_the_reference_beyond_fair_use(repeats: int, gap: float, tail: list[Event]) -> None:
    """Dilution sets in at the same act and with the same factor."""
    start = tail[0].at - repeats * gap
    spam = [Event(start + i * gap, i % 2, 2 + i % (USERS - 2), "like") for i in range(repeats)]
    events = spam + tail
    assert_agree(after(events, USERS), reference_of(events), newest(events))


@settings(max_examples=60, deadline=None)
@given(events=histories(max_size=60, gaps=GAPS_S), chunk=st.integers(1, 20))
def test_top_events_are_the_heaviest_by_the_kept_order(events: list[Event], chunk: int) -> None:
    """Whatever the chunks, a user's five kept events are those of greatest log2(g) + t/h."""
    world, granted = World(USERS), []
    for start in range(0, len(events), chunk):
        part = world.run(events[start : start + chunk])
        granted += list(zip(part.events, part.grants.tolist(), strict=True))
    half_life = _kernel_half_life(world.parameters)
    for user in range(USERS):
        ranks = sorted((np.log2(g) + e.at / half_life for e, g in granted if e.target == user and g > 0), reverse=True)
        row = world.rows()[user]
        kept = row["top_ref"] >= 0
        found = sorted((np.log2(row["top_mass"][kept]) + row["top_at"][kept] / half_life).tolist(), reverse=True)
        assert found == pytest.approx(ranks[:5], rel=1e-12)


def _kernel_half_life(p: Parameters) -> float:
    half_lives = np.array([p.half_life_short_s, p.half_life_middle_s, p.half_life_long_s])
    alphas = (1 / half_lives) / (1 / half_lives).sum()
    ages = np.linspace(0, 5 * DAY, 500_001)
    kernel = (alphas * np.exp2(-ages[:, None] / half_lives)).sum(axis=1)
    return float(np.interp(-0.5, -kernel, ages))
