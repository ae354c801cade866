"""What isolation itself promises: which errors, how much, and that a test's plan cannot be misspelt."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import BadSettingError
from streams.engine.partition import Partition
from streams.model.actor import price
from streams.model.isolation import EVENT, NEXT, NOTHING, Ints, Poison, each_or_nothing
from streams.model.parameters import Parameters
from streams.model.state import UserState
from streams.settings import load
from streams.stages.poison_plan import planned
from streams.stages.quarantine import MOST, PoisonError, endure

NOT_A_KIND = 200


def priced(kinds: list[int], poison: Poison | None) -> tuple[UserState, list[float]]:
    """Return state and grants of acts of one person towards others of their own."""
    state, count = UserState(), len(kinds)
    state.ensure(1)
    others, keep = np.arange(count, dtype=np.uint64), np.ones(count, np.uint8)
    columns = np.array(kinds, np.uint8), np.full(count, 1e9), np.arange(count)
    grants, _, _ = price(state, np.zeros(count, np.int64), others, *columns, keep, Parameters(), poison)
    return state, grants.tolist()


def test_whatever_the_formula_raises_is_the_act_s() -> None:
    """Not only amounts: an index that no table has, in the middle of the formula, costs one act."""
    poison = Poison()
    state, grants = priced([1, NOT_A_KIND, 1], poison)
    assert [(place, type(error)) for place, error in poison] == [(1, IndexError)]
    assert grants == [1.0, 0.0, 1.0]
    assert state.pairs.others.tolist() == [0, 2]
    assert state.rows["given"][0].tolist() == [0, 2, 0, 0]


def test_without_a_place_for_poison_the_error_propagates() -> None:
    """Offline nothing stands between the log and the answer, so nothing may be left out in silence."""
    with pytest.raises(IndexError):
        priced([NOT_A_KIND], None)


def test_an_act_that_fails_half_written_ends_the_worker() -> None:
    """From the first write on, what a row holds would be half an act: no letter can mend that."""

    def kernel(cells: Ints) -> None:
        cells[EVENT] = 0
        cells[EVENT] = NOTHING
        raise ValueError

    poison = Poison()
    with pytest.raises(ValueError):  # noqa: PT011 - raised without a text
        each_or_nothing(kernel, np.ones(1, np.uint8), poison)
    assert poison == []


def test_a_kernel_is_called_again_behind_each_act_that_fails() -> None:
    """Acts before it must not be handled twice, nor those behind it be left out."""
    handled, poison, keep = [], Poison(), np.ones(5, np.uint8)

    def kernel(cells: Ints) -> None:
        for i in range(cells[NEXT], 5):
            cells[EVENT] = i
            if i in {1, 2, 4}:
                raise OverflowError(i)
            handled.append(i)

    each_or_nothing(kernel, keep, poison)
    assert handled == [0, 3]
    assert [place for place, _ in poison] == [1, 2, 4]
    assert keep.tolist() == [1, 0, 0, 1, 0]


def poisoned(*places: int) -> list[tuple[int, PoisonError]]:
    return [(place, PoisonError(ZeroDivisionError("by nothing"))) for place in places]


def test_poison_between_acts_is_endured_for_ever() -> None:
    """Every second act of a forger may be poison: the partition goes on."""
    partition = Partition(0, b"k" * 16)
    for _ in range(10 * MOST):
        endure(partition, "stage", 10, poisoned(0, 2, 4, 6, 8))
    assert int.from_bytes(partition.meta.get(b"poison:stage", b""), "little") <= 1


def test_too_much_poison_stays_too_much_after_a_restart() -> None:
    """A supervisor that restarts the worker for ever must not lose a hundred acts at each try."""
    partition, again = Partition(0, b"k" * 16), Partition(0, b"k" * 16)
    for _ in range(MOST):
        endure(partition, "stage", 1, poisoned(0))
    again.meta = dict(partition.take_changed_metas())
    with pytest.raises(ZeroDivisionError, match="by nothing"):
        endure(again, "stage", 1, poisoned(0))
    endure(again, "another", 1, poisoned(0))
    endure(again, "stage", 1, [])
    endure(again, "stage", 1, poisoned(0))


@pytest.mark.parametrize("text", ["price", "price:", "nowhere:*", ":*", "price:x,"])
def test_a_misspelt_plan_refuses_to_start(text: str) -> None:
    """A test whose poison is never met would pass for nothing."""
    with pytest.raises(BadSettingError, match="RENOWN_POISON"):
        planned(text)


def test_no_plan_is_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is a variable of its own, no setting of a deployment."""
    monkeypatch.delenv("RENOWN_POISON", raising=False)
    assert planned() is None
    assert load({"RENOWN_POISON": "admit:*"}) == load({})
