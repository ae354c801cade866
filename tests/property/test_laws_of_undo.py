"""What an undo may do to scores: laws 5 and 6 of the formula, and agreement with the slow reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kinds import KIND_CODE, KINDS
from streams.model.parameters import Parameters
from streams.model.scoring import Reading, read
from tests.property.histories import (
    KIND,
    LATENESS_S,
    READ_AFTER_S,
    SHORT_GAPS_S,
    START,
    USERS,
    histories,
    newest,
)
from tests.property.undoing import Step, reference_of, replayed, stories
from tests.property.vectorised import DAY, Event

P = Parameters()
ROUNDING = 1e-9
READ = ("raw", "relationships", "momentum", "parts")


def after(steps: list[Step], at: float, partitions: int = 1, users: int = USERS) -> Reading:
    return read(replayed(steps, P, partitions, users).rows(), at, P)


def last(steps: list[Step]) -> float:
    return max(step.event.at for step in steps)


@settings(max_examples=100, deadline=None)
@given(steps=st.one_of(stories(), stories(late=LATENESS_S), stories(gaps=SHORT_GAPS_S)), wait=READ_AFTER_S)
def test_kernels_equal_the_reference_when_acts_are_taken_back(steps: list[Step], wait: float) -> None:
    """Law 5: whatever comes between an act and its undo, what is left is what all other acts gave."""
    at = last(steps) + wait
    reading, reference = after(steps, at), reference_of(steps)
    for user in range(USERS):
        expected = reference.read(str(user), at)
        for name in ("raw", "relationships", "momentum", "reach"):
            close = pytest.approx(getattr(expected, name), rel=ROUNDING, abs=ROUNDING)
            assert getattr(reading, name)[user] == close, f"{name} of user {user}"
        parts = dict(zip((*KINDS, "relationships"), reading.parts[user], strict=True))
        assert parts == pytest.approx(expected.parts, rel=ROUNDING, abs=ROUNDING)


@settings(max_examples=100, deadline=None)
@given(
    history=st.one_of(
        st.tuples(histories(max_size=30, gaps=SHORT_GAPS_S), st.just(ROUNDING)),
        st.tuples(histories(max_size=30), st.just(P.pair_floor)),
    ),
    act=st.tuples(st.integers(0, USERS - 1), st.integers(1, USERS - 1), KIND),
    wait=READ_AFTER_S,
)
def test_an_undo_takes_back_what_was_granted_and_no_more(
    history: tuple[list[Event], float], act: tuple[int, int, str], wait: float
) -> None:
    """Law 5: an act and its undo leave everybody's masses as they were, at every later instant.

    Only of a pair so faded that its remains read as nothing, the act lets go of these, less than the floor.
    """
    (events, tolerance), (actor, away, kind) = history, act
    before = [Step(event) for event in events]
    done = Event(newest(events), actor, (actor + away) % USERS, kind)
    at = done.at + wait
    undone = [*before, Step(done), Step(done, len(events))]
    found, expected = after(undone, at), after(before, at)
    for name in READ:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=ROUNDING, atol=tolerance)


@settings(max_examples=30, deadline=None)
@given(steps=stories(gaps=SHORT_GAPS_S))
def test_an_undo_lowers_only_the_two_concerned(steps: list[Step]) -> None:
    """Law 6: everybody else's score is the same to the last bit, and nobody's rises."""
    at = last(steps) + 1.0
    for end, step in enumerate(steps):
        if step.undoes >= 0:
            before, found = after(steps[:end], at), after(steps[: end + 1], at)
            others = [user for user in range(USERS) if user not in {step.event.actor, step.event.target}]
            for name in READ[:3]:
                have, had = getattr(found, name), getattr(before, name)
                assert (have <= had + ROUNDING).all(), name
                assert (have[others] == had[others]).all(), name


@settings(max_examples=50, deadline=None)
@given(cycles=st.integers(1, 60), gap=st.sampled_from((0.0, 1.0, 600.0)), kind=KIND)
def test_cycles_of_act_and_undo_gain_nothing(cycles: int, gap: float, kind: str) -> None:
    """Law 5, against who tries it for gain: each cycle only uses up the actor's own pair and volume."""
    steps = [Step(Event(START, 1, 0)), Step(Event(START, 0, 1))]
    for number in range(cycles):
        act = Event(START + number * gap, 0, 1, kind)
        steps += [Step(act), Step(act, number + 2)]
    at = last(steps)
    more = Step(Event(at, 0, 1, kind))
    without, found = after(steps[:2], at), after(steps, at)
    np.testing.assert_allclose(found.raw, without.raw, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_array_less(after([*steps, more], at).raw, after([*steps[:2], more], at).raw + ROUNDING)


@settings(max_examples=60, deadline=None)
@given(steps=stories(), partitions=st.sampled_from((2, 3, 5)))
def test_partitions_decide_alike_on_undos(steps: list[Step], partitions: int) -> None:
    """Within the window, whoever keeps the log, the same is taken back."""
    steps = [step._replace(event=step.event._replace(at=START + i)) for i, step in enumerate(steps)]
    one, many = replayed(steps, P), replayed(steps, P, partitions)
    assert (one.undone, one.undone_again, one.unknown_undos) == (many.undone, many.undone_again, many.unknown_undos)
    for name in ("received", "given", "days", "day"):
        np.testing.assert_array_equal(one.rows()[name], many.rows()[name])
    np.testing.assert_allclose(one.rows()["known"] + one.rows()["new"], many.rows()["known"] + many.rows()["new"])


@settings(max_examples=60, deadline=None)
@given(steps=st.one_of(stories(), stories(late=LATENESS_S)))
def test_counts_and_moments_are_those_of_acts_not_taken_back(steps: list[Step]) -> None:
    """An explanation names no act that is taken back, and counts none."""
    stages = replayed(steps, P)
    kept = [step for step in steps if step.undoes < 0]
    rows, credits_ = stages.rows(), reference_of(steps).credits
    assert stages.undone == sum(c.is_undone for each in credits_.values() for c in each)
    for user in range(USERS):
        mine = credits_[str(user)]
        for kind, code in KIND_CODE.items():
            assert rows["received"][user, code] == sum(c.kind == kind and not c.is_undone for c in mine)
        told = rows["top_ref"][user] >= 0
        for at, mass in zip(rows["top_at"][user][told], rows["top_mass"][user][told], strict=True):
            assert any(at == c.at and mass == pytest.approx(c.mass) and mass > 0 for c in mine)
    assert rows["given"].sum() == len(kept), "what was done was done"


def test_beyond_the_window_nothing_is_guessed() -> None:
    """An undo of the last instant of the window counts, one a second later is counted as unknown."""
    act = Event(START, 0, 1)
    for later_s, taken in ((DAY, 1), (DAY + 1, 0)):
        stages = replayed([Step(act), Step(Event(START + later_s, 2, 3)), Step(act, 0)], P)
        assert (stages.undone, stages.unknown_undos) == (taken, 1 - taken)
