"""From mass to what people see: laws 10 and 12."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.calibration import Histogram
from schemas.rows import empty_users
from streams.model.calibration import curve, histogram, merged, percentile, score_of
from streams.model.parameters import Parameters
from streams.model.shown import is_provisional, show
from tests.property.vectorised import DAY
from tests.reference.model import exact_score

P = Parameters()
FLOOR = P.unscored_raw
MASSES = st.lists(
    st.one_of(st.floats(0, 1e6), st.sampled_from((0.0, FLOOR, 0.5, 1.0, 1.0, 3e7, 1e12))),
    min_size=1,
    max_size=200,
).map(np.array)


@settings(max_examples=150, deadline=None)
@given(population=MASSES, masses=MASSES)
def test_more_mass_is_never_less_score(population: np.ndarray, masses: np.ndarray) -> None:
    """Law 10: in one epoch the map is monotone, within 1..100, and 1 below the least scored mass."""
    fitted = curve(histogram(population, FLOOR))
    knots = np.exp(fitted.ln_mass)
    around = (knots * (1 - 1e-6), knots, knots * (1 + 1e-6))
    ordered = np.sort(np.concatenate((masses, population, *around, [0.0, FLOOR, 1e300])))
    scores, percentiles = score_of(ordered, fitted, P), percentile(ordered, fitted)
    assert (np.diff(scores) >= -1e-9).all()
    assert scores[0] == 1
    assert (scores[ordered < FLOOR] == 1).all()
    assert scores.max() <= 100
    assert ((percentiles >= 0) & (percentiles <= 1)).all()


@settings(max_examples=50, deadline=None)
@given(population=MASSES, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_histograms_merge_exactly(population: np.ndarray, cuts: list[int]) -> None:
    """Partitions report apart and the map is that of everybody, to the bit, in any order."""
    shares = np.split(population, sorted(cuts))
    reports = [histogram(share, FLOOR) for share in shares]
    assert merged(reversed(reports), FLOOR) == histogram(population, FLOOR)
    assert curve(merged(reports, FLOOR)) == curve(histogram(population, FLOOR))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tail=st.floats(0.7, 2.0), users=st.sampled_from((300, 3000)))
def test_scores_follow_exact_ranks(seed: int, tail: float, users: int) -> None:
    """The map of 32 knots stays near the score by exact rank; a smooth population allows two points off."""
    masses = 0.02 * (1 + np.random.default_rng(seed).pareto(tail, users))
    found = score_of(masses, curve(histogram(masses, FLOOR)), P)
    population = masses.tolist()
    expected = np.array([exact_score(mass, population) for mass in population[:100]])
    assert np.abs(found[:100] - expected).mean() < 0.5
    middle = (expected > 5) & (expected < 60)
    assert np.abs(found[:100] - expected)[middle].max() < 4


def test_an_empty_population_has_only_the_unscored() -> None:
    """Before anybody is scored everybody has 1."""
    assert (score_of(np.array([0.0, 5.0]), curve(Histogram(FLOOR)), P) == 1).all()


STEPS = st.lists(
    st.tuples(st.sampled_from((0.0, 60.0, 3600.0, DAY / 2, DAY, 5 * DAY)), st.floats(1, 100)),
    min_size=1,
    max_size=20,
)


def walk(steps: list[tuple[float, float]], start: float = 0.0) -> tuple[list[float], list[float], list[bool]]:
    """Return instants, shown scores and provisional flags of one user along a path of target scores."""
    rows, now = empty_users(1), start
    instants, shown, provisional = [], [], []
    for gap, target in steps:
        now += gap
        shown.append(float(show(rows, np.array([target]), now, P)[0]))
        provisional.append(bool(is_provisional(rows, now, P)[0]))
        instants.append(now)
    return instants, shown, provisional


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_shown_scores_keep_their_speed_limit(steps: list[tuple[float, float]]) -> None:
    """Law 12: never faster than +10 and -1.1 points a day, but for a lift in the provisional week."""
    instants, shown, provisional = walk(steps)
    for i in range(1, len(steps)):
        days = (instants[i] - instants[i - 1]) / DAY
        assert shown[i] >= shown[i - 1] - 1.1 * days - 1e-9
        lifted = provisional[i] and shown[i] == steps[i][1]
        assert lifted or shown[i - 1] == 1 or shown[i] <= shown[i - 1] + 10 * days + 1e-9
        assert not provisional[i] or shown[i] >= steps[i][1] - 1e-9


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, lifts=st.lists(st.floats(0, 50), min_size=20, max_size=20))
def test_a_higher_target_path_never_shows_a_lower_score(steps: list[tuple[float, float]], lifts: list[float]) -> None:
    """Law 12: whoever deserves more at every instant is never shown less."""
    steps = [(gap, max(1.5, target)) for gap, target in steps]
    higher = [(gap, min(100.0, target + lift)) for (gap, target), lift in zip(steps, lifts, strict=False)]
    assert all(a <= b + 1e-9 for a, b in zip(walk(steps)[1], walk(higher)[1], strict=True))


@settings(max_examples=60, deadline=None)
@given(
    targets=st.tuples(st.floats(2, 100), st.floats(2, 100)),
    days=st.floats(0, 60),
    cuts=st.lists(st.floats(0, 1), max_size=5),
)
def test_looking_more_often_shows_the_same_score(targets: tuple[float, float], days: float, cuts: list[float]) -> None:
    """The shown score is a path in time: sweeps in between do not bend it."""
    first, then = targets
    settled = [(0.0, first), (8 * DAY, then)]
    instants = sorted([*(cut * days * DAY for cut in cuts), days * DAY])
    gaps = np.diff([0.0, *instants]).tolist()
    seldom = walk([*settled, (days * DAY, then)])[1][-1]
    often = walk([*settled, *((gap, then) for gap in gaps)])[1][-1]
    assert abs(seldom - often) < 1e-6


def test_a_new_target_does_not_move_the_score_at_the_instant_it_arrives() -> None:
    """Law 12: the time before a target arrived was spent on the way to the one before, so nothing jumps."""
    settled = [(0.0, 30.0), (20 * DAY, 30.0)]
    assert walk([*settled, (5 * DAY, 60.0), (DAY, 60.0), (DAY / 2, 10.0), (DAY, 10.0)])[1][2:] == [30, 40, 45, 43.9]


def test_a_week_without_anything_takes_at_most_eight_points_of_fifty() -> None:
    """A holiday is no disgrace: even if the target were gone at once, 42 stay."""
    settled = [(0.0, 50.0), (20 * DAY, 50.0)]
    assert walk([*settled, (0.0, 1.0), (7 * DAY, 1.0)])[1][-1] >= 42
