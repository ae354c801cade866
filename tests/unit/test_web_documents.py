"""What scores are told as: the formula filled in, advice, the week, and the API's own documentation."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.lookup.advice import advice_for
from agents.lookup.arithmetic import apportioned
from agents.lookup.documents import ScoreDocument, score_document
from agents.lookup.explanation import explained
from agents.lookup.formula import formula_of, formulas, share_above
from agents.lookup.reader import Day
from agents.lookup.stored import StoredScore
from agents.lookup.week import report_of
from agents.web.openapi import document
from agents.web.operations import OPERATIONS
from schemas.engagement import Act
from schemas.score import Counts, Moment, Parts
from streams.model.parameters import PROFILES, Parameters, model_name

GAMMA = PROFILES["default"].gamma
DAY_MS = 86_400_000
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2


def stored(**changes: Any) -> StoredScore:
    """Return a score as Redis holds it."""
    fields: dict[str, Any] = {
        "user": "x:a", "score": 40.0, "target_score": 45.5, "raw": 3.0, "relationships": 7.0, "momentum": 1.0,
        "reach": 12.0, "percentile": 91.25, "provisional": False, "change_1d": None, "change_7d": 2.0,
        "counts_7d": Counts(like=1, reply=2), "as_of": NOON_MS, "version": 3, "model": "default@0",
        "parts": Parts(like=1.0, share=1.0, mention=0.0, reply=1.0, relationships=0.0),
    }  # fmt: skip
    return StoredScore(**(fields | changes))


def ranked(p: float, **changes: Any) -> StoredScore:
    """Return a score whose percentile and target belong to p, rounded as Redis holds them."""
    target = 1.0 + 99.0 * (1.0 - (1.0 - p) ** GAMMA)
    return stored(percentile=round(100 * p, 3), target_score=round(target, 2), **changes)


@given(st.floats(0.0, 0.999_999_9))
def test_the_formula_filled_in_gives_the_target_score(p: float) -> None:
    """Who checks it with a calculator must come to the same number, also at the very top."""
    score = ranked(p)
    step = formula_of(score, PROFILES["default"]).steps[2].filled
    found = re.fullmatch(r"([\d.]+) = 1 \+ 99 \(1 - ([\d.e+-]+)\^([\d.]+)\)", step)
    assert found is not None, step
    target, above, gamma = map(float, found.groups())
    assert gamma == GAMMA
    assert abs(1 + 99 * (1 - above**gamma) - target) <= 0.03
    assert target == score.target_score


def test_a_percentile_that_does_not_fit_its_target_is_believed() -> None:
    """A record is shown as it is, not bent to fit."""
    assert share_above(stored(percentile=50.0, target_score=90.0), PROFILES["default"]) == 0.5


def test_constants_of_an_unknown_formula_stay_letters() -> None:
    """Another formula's numbers would explain what is not so."""
    known = formulas("mine", Parameters(gamma=0.5))
    assert known[model_name("mine", Parameters(gamma=0.5))].gamma == 0.5
    assert known[model_name("burst", PROFILES["burst"])] == PROFILES["burst"]
    assert known[model_name("default", PROFILES["default"])] == PROFILES["default"]
    steps = formula_of(stored(model="default@ffffffff"), known.get("default@ffffffff")).steps
    assert steps[2].filled.endswith("^gamma)")


masses = st.dictionaries(st.text(min_size=1, max_size=3), st.floats(1e-9, 1e9), min_size=1, max_size=6)


@given(masses, st.integers(10, 1000))
def test_points_add_up_to_the_score_shown(parts: dict[str, float], tenths: int) -> None:
    """People add them up, too."""
    shares = apportioned(parts, tenths / 10)
    assert round(sum(shares.values()) * 10) == tenths
    total = sum(parts.values())
    assert all(abs(share - tenths / 10 * parts[name] / total) < 0.1 + 1e-6 for name, share in shares.items())


def test_advice_never_asks_for_what_counts_nothing() -> None:
    """What helps is real; what does not is named, with the numbers of this formula."""
    said = advice_for(stored(), PROFILES["default"])
    assert any("reached them in seven days" in line for line in said)
    assert any("at most 2 at once" in line and "at most 10" in line for line in said)
    quiet = advice_for(stored(counts_7d=Counts(), relationships=1.0, reach=1.0, target_score=30.0), None)
    assert any("two-way" in line for line in quiet)
    assert any("on its way down" in line for line in quiet)


def test_a_week_names_who_helped_and_fills_days_without_a_change() -> None:
    """What happened before the week is not the week's; a score holds until it changes."""
    moments = [
        Moment(0, 1, "like", NOON_MS - DAY_MS, 0.5),
        Moment(0, 2, "share", NOON_MS - 2 * DAY_MS, 0.4),
        Moment(0, 3, "like", NOON_MS - 9 * DAY_MS, 0.9),
    ]
    acts = [
        Act(b"1", 0, b"x:fan", b"x:a", 0),
        Act(b"2", 1, b"x:fan", b"x:a", 0, b"post"),
        Act(b"3", 0, b"x:old", b"x:a", 0),
    ]
    history = [Day("2024-09-20", 30.0), Day("2024-10-01", 38.0), Day("2024-10-04", 40.0)]
    found = report_of(explained(stored(), moments, acts), history)
    assert (found.first_day, found.last_day) == ("2024-09-28", "2024-10-04")
    assert [(each.day[-2:], each.score) for each in found.days] == [
        ("28", 30.0), ("29", 30.0), ("30", 30.0), ("01", 38.0), ("02", 38.0), ("03", 38.0), ("04", 40.0)
    ]  # fmt: skip
    assert [(each.user, each.acts, round(each.mass, 6)) for each in found.helpers] == [("x:fan", 2, 0.9)]
    assert len(found.moments) == 2
    assert "2.0 points more than a week ago." in found.lines


def test_a_first_week_has_only_the_days_since() -> None:
    """Before the first score there was none, not one of zero."""
    found = report_of(explained(stored(change_7d=None), [], []), [Day("2024-10-03", 39.0)])
    assert [each.day for each in found.days] == ["2024-10-03", "2024-10-04"]
    assert found.helpers == []


def test_a_document_has_every_field_of_the_stored_score() -> None:
    """A field that readers get from Redis must not be missing over HTTP."""
    assert ScoreDocument.__struct_fields__ == StoredScore.__struct_fields__
    plain, told = msgspec.to_builtins(stored()), msgspec.to_builtins(score_document(stored()))
    assert plain.pop("linked_to") is None, "of nobody's account the field is left out"
    assert {name: told[name] for name in told if name != "as_of"} == {n: plain[n] for n in plain if n != "as_of"}


@pytest.mark.parametrize("with_keys", [True, False])
def test_every_operation_is_documented_and_every_reference_leads_somewhere(*, with_keys: bool) -> None:
    """A generated client must be able to call everything there is."""
    found = document(with_keys=with_keys)
    told = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert told == {(each.method, each.path) for each in OPERATIONS}
    text = msgspec.json.encode(found).decode()
    references = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text))
    assert references <= set(found["components"]["schemas"])
    assert ({} in found["security"]) is not with_keys
