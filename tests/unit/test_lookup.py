"""Explanations and tables, without Redis."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.lookup.arithmetic import percentages
from agents.lookup.explanation import explained
from agents.lookup.shown import show
from agents.lookup.stored import StoredScore, stored_score
from schemas.engagement import Act
from schemas.errors import BrokenGuaranteeError
from schemas.score import Counts, Moment, Parts


def _stored(**changes: object) -> StoredScore:
    fields: dict[str, object] = {
        "user": "x:a", "score": 40.0, "target_score": 45.5, "raw": 3.0, "relationships": 7.0, "momentum": 1.0,
        "reach": 12.0, "percentile": 91.25, "provisional": False, "change_1d": None, "change_7d": 2.0,
        "counts_7d": Counts(like=1, reply=2), "as_of": 1_790_000_000_000, "version": 3, "model": "default@0",
        "parts": Parts(like=1.0, share=1.0, mention=0.0, reply=1.0, relationships=0.0),
    }  # fmt: skip
    return StoredScore(**(fields | changes))  # type: ignore[arg-type]


masses = st.dictionaries(st.text(min_size=1, max_size=3), st.floats(1e-9, 1e9), min_size=1, max_size=6)


@given(masses)
def test_parts_in_percent_add_up_to_one_hundred(parts: dict[str, float]) -> None:
    """People add them up."""
    shares = percentages(parts)
    assert round(sum(shares.values()), 6) == 100
    total = sum(parts.values())
    assert all(abs(share - 100 * parts[name] / total) < 0.1 + 1e-6 for name, share in shares.items())


def test_nothing_received_has_no_parts() -> None:
    """Division by an empty sum must not reach a reader."""
    assert percentages({"like": 0.0, "share": 0.0}) == {"like": 0.0, "share": 0.0}


def test_an_explanation_tells_who_did_what() -> None:
    """A score is accepted when its reasons have names."""
    moment = Moment(1, 2, "share", 1_790_000_000_000, 0.75)
    act = Act(b"1", 1, b"x:b", b"x:a", 1_790_000_000_000, b"post-9")
    found = explained(_stored(), [moment], [act])
    assert found.moments[0].actor == "x:b"
    assert any("x:b shared them (post-9)" in line for line in found.lines)
    assert found.lines[0] == "x:a stands at 40.0 of 100, rising towards 45.5."


def test_an_account_is_told_whose_score_it_is() -> None:
    """Its moments are the person's: those are named."""
    act = Act(b"1", 1, b"x:b", b"p:a", 1_790_000_000_000)
    found = explained(_stored(linked_to="p:a"), [Moment(1, 2, "share", 1_790_000_000_000, 0.75)], [act])
    assert found.lines[1] == "The score is that of p:a, one of whose accounts this is."
    assert (found.user, found.linked_to, found.moments[0].actor) == ("x:a", "p:a", "x:b")


@pytest.mark.parametrize("act", [None, Act(b"1", 0, b"x:c", b"x:zzz", 0)])
def test_a_moment_without_its_own_act_stays_unnamed(act: Act | None) -> None:
    """A log that was made anew has other acts at the same places: better no name than a wrong one."""
    found = explained(_stored(), [Moment(1, 2, "share", 0, 0.75)], [act])
    assert found.moments[0].actor is None
    assert any("somebody shared them" in line for line in found.lines)


def test_a_damaged_record_is_no_score() -> None:
    """A half record must not read as a low score."""
    with pytest.raises(BrokenGuaranteeError, match="damaged"):
        stored_score("x:a", {b"version": b"3"})


def test_plain_tables_take_cells_literally() -> None:
    """An id may hold what a terminal library takes for markup."""
    out = io.StringIO()
    show(("user", "score"), [("x:[red]a[/red]", "9.0"), ("x:😀", "10.0")], out)
    assert "x:[red]a[/red]    9.0" in out.getvalue()
