"""A replay by hourly epochs: the same masses as a plain replay, and a shown score that keeps its limits."""

from __future__ import annotations

import numpy as np
import pytest

from agents.epochs import EPOCH_S, Epochs
from agents.recorded import Acts
from agents.replay import replay
from schemas.engagement import Act
from schemas.errors import BadSettingError
from streams.model.parameters import DAY_S, Parameters

USERS = 30
START = 1_780_000_000 // EPOCH_S * EPOCH_S
TAU_OF_A_DAY = Parameters(tau_s=DAY_S)


def acts(count: int, days: float, seed: int = 1) -> Acts:
    """Return acts in order of time among USERS, the lower codes engaged more; code 0 in the first half only."""
    rng = np.random.default_rng(seed)
    at = START + np.sort(rng.integers(0, int(days * DAY_S), count)).astype(np.float64)
    targets = (USERS * rng.random(count) ** 2).astype(np.int64)
    targets = np.where((targets == 0) & (at > START + days * DAY_S / 2), 1, targets)
    actors = (targets + 1 + rng.integers(0, USERS - 1, count)) % USERS
    return Acts(actors, targets, rng.integers(0, 4, count).astype(np.uint8), at)


def test_the_masses_and_targets_are_a_replay_s() -> None:
    """The epochs add maps and limits, never another formula."""
    history = acts(2_000, 5)
    end = START + 5 * DAY_S
    moment = Epochs(history, USERS, TAU_OF_A_DAY).until(end)
    columns = (history.actors, history.targets, history.kinds, history.at)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    block = [Act(b"x:%d" % i, k, b"x:%d" % a, b"x:%d" % b, round(t * 1000)) for i, (a, b, k, t) in enumerate(rows)]
    found = replay([block], TAU_OF_A_DAY, as_of=end)
    codes = np.array([int(user[2:]) for user in found.users])
    assert moment.reading.raw[codes] == pytest.approx(found.reading.raw, rel=1e-9)
    assert moment.target[codes] == pytest.approx(found.score, rel=1e-9), "at a full hour the map is of that instant"


def test_the_shown_score_keeps_its_limits_whatever_the_target_does() -> None:
    """Down by 1.1 a day from the first day on, up by 10 a day once the first week is over."""
    epochs = Epochs(acts(4_000, 20), USERS, TAU_OF_A_DAY)
    moments = [epochs.until(START + day * DAY_S) for day in range(1, 21)]
    shown = np.array([moment.shown for moment in moments])
    change = np.diff(shown, axis=0)
    assert change.min() >= -1.1 - 1e-9
    assert change[8:].max() <= 10 + 1e-9
    assert np.diff([moment.target[0] for moment in moments]).min() < -2
    assert shown[-1, 0] < shown[9, 0] - 10
    assert (moments[2].provisional == (moments[2].shown > 1)).all()
    assert not moments[-1].provisional[:5].any()


def test_looking_on_full_hours_changes_nothing() -> None:
    """A measurement must not move what it measures."""
    history, end = acts(600, 3), START + 3 * DAY_S
    watched = Epochs(history, USERS, TAU_OF_A_DAY)
    for hour in range(1, 72):
        watched.until(START + hour * EPOCH_S)
    assert (watched.until(end).shown == Epochs(history, USERS, TAU_OF_A_DAY).until(end).shown).all()


def test_a_late_act_counts_when_it_arrives() -> None:
    """Before its arrival nobody can know it; then it counts at its own instant."""
    none = np.zeros(4, np.uint8)
    at = START + np.array([0.0, 7_200.0, 3_600.0, 10_800.0])
    history = Acts(np.array([0, 0, 1, 0]), np.array([2, 2, 3, 2]), none, at)
    epochs = Epochs(history, 4, TAU_OF_A_DAY)
    assert epochs.until(START + 5_400).reading.raw[3] == 0
    assert epochs.rows()["received"][2].sum() == 1, "nor what has not happened yet"
    assert epochs.until(START + 7_200).reading.raw[3] > 0
    with pytest.raises(BadSettingError, match="does not go back"):
        epochs.until(START)


def test_nothing_replayed_is_nobody_scored() -> None:
    """An empty recording has no hour to begin with."""
    nothing = acts(10, 1)[:0]
    assert Epochs(nothing, 3, Parameters()).until(START).shown.tolist() == [1, 1, 1]
