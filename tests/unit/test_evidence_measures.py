"""The yardsticks of the evidence, by hand: outcomes, rankings, baselines, cuts, movement, disorder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.evidence import baselines, disorder, gaming
from agents.evidence.baselines import Past
from agents.evidence.cuts import cuts, horizons
from agents.evidence.katz import temporal_katz
from agents.evidence.movement import Day, day_on_day, movement
from agents.evidence.outcomes import between, outcomes, until
from agents.evidence.pauses import sample
from agents.evidence.ranking import ndcg, overlap, precision, spearman
from agents.evidence.tables import Rows
from agents.evidence.verdicts import verdict, verdicts
from agents.recorded import Acts
from schemas.errors import BadSettingError
from streams.model.parameters import DAY_S, HOUR_S, Parameters


def toy() -> Acts:
    """Return 0 -> 2 twice, a day apart, then 1 -> 2 and 2 -> 0 a day later; the first and the last are shares."""
    at = np.array([0.0, DAY_S, 2 * DAY_S, 2 * DAY_S])
    return Acts(np.array([0, 0, 1, 2]), np.array([2, 2, 2, 0]), np.array([1, 3, 3, 1], np.uint8), at)


def past() -> Past:
    """Return all of it, read at its end."""
    return Past(toy(), 3, 2 * DAY_S, Parameters(tau_s=DAY_S))


def test_counting_baselines_by_hand() -> None:
    """A rival that is computed wrongly is no rival."""
    assert baselines.count(past()).tolist() == [1, 0, 3]
    assert baselines.decayed_count(DAY_S)(past()).tolist() == [1, 0, 1.75]
    assert baselines.distinct(past()).tolist() == [1, 0, 2]
    assert baselines.log_shares(past()) == pytest.approx([np.log(2), 0, np.log(2)])
    long_lived = Parameters(half_life_short_s=DAY_S, half_life_middle_s=DAY_S, half_life_long_s=DAY_S)
    assert baselines.decay_mix(Past(toy(), 3, 2 * DAY_S, long_lived)) == pytest.approx([1, 0, 1.75])


def test_pagerank_and_eigentrust_solve_their_equations() -> None:
    """PageRank is the fixed point of its walk; EigenTrust restarts at those who have acted for tau, here 0 only."""
    walk = np.array([[0, 0, 1.0], [0, 0, 1], [1, 0, 0]])
    rank = baselines.pagerank(past())
    assert rank == pytest.approx(0.85 * rank @ walk + 0.15 / 3)
    trust = baselines.eigentrust(past())
    assert trust == pytest.approx(0.5 * trust @ walk + 0.5 * np.array([1.0, 0, 0]))
    everybody_new = baselines.eigentrust(Past(toy(), 3, 2 * DAY_S, Parameters()))
    assert everybody_new == pytest.approx(0.5 * everybody_new @ walk + 0.5 / 3)


def test_rounding_noise_of_the_graph_library_breaks_no_ties() -> None:
    """Its ranks differ a little from call to call: the order of equals must not, nor the figures on the page."""
    rng = np.random.default_rng(5)
    true = rng.integers(1, 40, 500) / 40.0
    once, again = (baselines.levelled(true + rng.uniform(0, 1e-10, 500), 1e-8) for _ in range(2))
    assert len(np.unique(once)) == len(np.unique(true))
    assert np.array_equal(np.unique(once, return_inverse=True)[1], np.unique(true, return_inverse=True)[1])
    assert spearman(once, true) == spearman(again, true)
    rank = baselines.pagerank(Past(toy(), 500, 2 * DAY_S, Parameters()))
    assert len(np.unique(rank[3:])) == 1, "nobody engaged with them"


def test_temporal_katz_counts_walks_that_respect_time() -> None:
    """0 -> 1 -> 2 reaches 2 by two walks; the other way round by one only."""
    one, other, at = np.array([0, 1]), np.array([1, 2]), np.array([0.0, 0.0])
    assert temporal_katz(one, other, at, 0.0, 3, 1.0, 0.5).tolist() == [0, 0.5, 0.75]
    assert temporal_katz(one[::-1].copy(), other[::-1].copy(), at, 0.0, 3, 1.0, 0.5).tolist() == [0, 0.5, 0.5]


def test_an_outcome_counts_people_not_acts_and_only_those_ahead() -> None:
    """What is at the cut is past; what is after the horizon is nobody's business."""
    acts = toy()
    before, ahead = until(acts, DAY_S), between(acts, DAY_S, 2 * DAY_S)
    assert (len(before), len(ahead), len(between(acts, 0.0, DAY_S - 1))) == (2, 2, 0)
    found = outcomes(before, Acts(*(np.append(c, c[:1]) for c in (acts.actors, acts.targets, acts.kinds, acts.at))), 3)
    assert found["engagers"].tolist() == [1, 0, 2], "0 -> 2 three times is one person"
    assert found["new_engagers"].tolist() == [1, 0, 1], "0 was there before"


def test_ties_share_their_places() -> None:
    """No score may win by the order in which equals happen to stand."""
    rng = np.random.default_rng(3)
    outcome = rng.integers(0, 4, 60).astype(np.float64)
    score = rng.integers(0, 5, 60).astype(np.float64)
    orders = [rng.permutation(60) for _ in range(2_000)]
    exact = [ndcg(score, outcome, 20), precision(score, outcome, 20)]
    broken = [score + 1e-6 * order for order in orders]
    mean = [np.mean([metric(one, outcome, 20) for one in broken]) for metric in (ndcg, precision)]
    assert exact == pytest.approx(mean, abs=0.01)
    order = rng.permutation(60)
    assert spearman(score, outcome) == pytest.approx(spearman(score[order], outcome[order]))
    assert spearman(outcome, outcome) == pytest.approx(1)
    assert ndcg(outcome, outcome, 20) == pytest.approx(1)


def test_rank_biased_overlap_by_hand() -> None:
    """One swap at the top of two: X_1 = 0, X_2 = 2."""
    p = 0.9
    assert overlap(np.array([1, 2]), np.array([2, 1]), p) == pytest.approx(p**2 + (1 - p) / p * p**2)


@pytest.mark.parametrize("text", ["0", "7h,x", "2026-01-01", "1s,400h", "84", ""])
def test_a_bad_cut_is_refused_with_what_to_send(text: str) -> None:
    """A cut outside the recording has no past or no future."""
    with pytest.raises(BadSettingError, match=r"cuts=|horizons="):
        cuts(text, 0.0, 100 * HOUR_S, [60 * HOUR_S])


def test_cuts_need_room_for_the_shortest_horizon_only() -> None:
    """A longer horizon is measured at the cuts that have it ahead."""
    assert cuts("90h,20h", 0.0, 100 * HOUR_S, [HOUR_S, 50 * HOUR_S]) == (20 * HOUR_S, 90 * HOUR_S)
    assert cuts("1970-01-02T00:00:00Z", 0.0, 2 * DAY_S, [HOUR_S]) == (DAY_S,)
    assert horizons("1d,6h,24h") == (6 * HOUR_S, DAY_S)


def test_movement_and_overlap_by_hand() -> None:
    """Only who is scored on both days moves; from 50 up is judged by the day before."""
    day = np.zeros(4, np.bool_)
    one = Day(0.0, dict.fromkeys(("shown", "target"), np.array([60.0, 40.0, 1.0, 20.0])), day)
    other = Day(DAY_S, dict.fromkeys(("shown", "target"), np.array([58.0, 50.0, 30.0, 20.0])), ~day)
    found = movement([one, other])["shown"]
    assert (found["everybody"]["people"], found["everybody"]["min"], found["everybody"]["max"]) == (3, -2, 10)
    assert found["everybody"]["p99"] == pytest.approx(9.8)
    assert (found["high"]["people"], found["high"]["max"]) == (1, -2)
    (next_day,) = day_on_day([one, other])
    assert (next_day["scored"], next_day["provisional"]) == (4, 1)
    p = 0.98
    by_hand = (1 - p) / p * (p + p**2 + 2 / 3 * p**3) + 2 / 3 * p**3
    assert next_day["overlap"]["shown"] == pytest.approx(by_hand, abs=1e-4), "0, 1, 3 became 0, 1, 2"


def test_disorder_moves_acts_and_loses_none() -> None:
    """Late ones come an hour later, shuffled ones within 1,000 places, the same by the same seed."""
    at = np.arange(20_000.0)
    acts = Acts(np.arange(20_000), np.arange(20_000), np.zeros(20_000, np.uint8), at)
    tardy, mixed = disorder.late(acts, 1), disorder.shuffled(acts, 1)
    for each in (tardy, mixed):
        assert np.array_equal(np.sort(each.actors), acts.actors)
    overtaken = np.maximum.accumulate(tardy.at) - tardy.at
    assert 0.005 < float((overtaken > 0).mean()) < 0.015
    assert 3_500 < overtaken.max() <= HOUR_S
    assert 500 < np.abs(mixed.actors - np.arange(20_000)).max() <= 1_000
    assert np.array_equal(disorder.shuffled(acts, 1).actors, mixed.actors)


def test_a_sample_is_spread_and_bounded() -> None:
    """Few enough not to move the map, whoever comes first in the file."""
    assert sample(np.arange(7)).tolist() == list(range(7))
    found = sample(np.arange(1_000))
    assert (len(found), found[0], found[-1]) == (100, 0, 990)


def outcome(attack: str, size: int, ours: tuple[float, float], count: tuple[float, float]) -> dict[str, Any]:
    """Return an attack's outcome under the product and one rival."""
    moved = {
        name: {"before": before, "after": after, "a_point": 0.1, "losers": 2}
        for name, (before, after) in (("renown", ours), ("count", count))
    }
    return {"attack": attack, "size": size, "for": "low", "paid": size, "moved": moved}


def test_attacks_are_told_by_where_they_ended_and_by_what_they_gained() -> None:
    """The one may flatter whoever begins low, the other whoever begins high: both stand there, losses by name."""
    outcomes = [
        outcome("ring", 10, (4, 50), (10, 52)),
        outcome("ring", 100, (4, 70), (10, 60)),
        outcome("swarm", 10, (4, 20), (10, 20.5)),
    ]
    assert gaming.tally(outcomes).rows == [("count", "1, 1", "0, 3", "ring")]
    assert gaming.reached(outcomes, 10).rows == [
        ("before any", "4.0", "10.0"),
        ("ring", "**50.0**", "52.0"),
        ("swarm", "**20.0**", "20.5"),
    ]
    assert gaming.attacks(outcomes).rows[1] == (
        *("ring", "100", "low", "100", "4.0 > 70.0", "+66.0", "+50.0"),
        *("0.100", "2"),
    )


def test_losses_are_named_as_losses() -> None:
    """The page's summary must not flatter."""
    cell = {"horizon": "6h", "score": "count", "metric": "m", "difference": -0.1, "standard_error": 0.01}
    won, six = [0.0] * 6, {"values": [0.0] * 6}
    assert verdict(cell | six) == "won"
    assert verdict(cell | six | {"standard_error": 0.05}) == "even"
    assert verdict(cell | {"values": won[:5]}) == "-"
    lost = cell | six | {"difference": 0.1}
    document = {"scores": {"raw": "", "count": ""}, "product": "raw", "metrics": {"m": "NDCG"}, "cells": [lost]}
    assert verdicts(document) == Rows(
        "`raw` against",
        ("", "won", "even", "lost", "lost where, by how much"),
        [("count", "0", "0", "1", "NDCG 6h +0.100")],
    )
