"""Explanations add up, from a row as from a score record."""

from __future__ import annotations

import numpy as np
import pytest

from streams.model.actor import price
from streams.model.explanation import explain, explain_record
from streams.model.parameters import DAY_S, Parameters, with_settings
from streams.model.scoring import raw
from streams.model.state import UserState
from streams.model.target import credit

KNOWN = with_settings(Parameters(), {"tau_s": 0})
T = 1_780_000_000.0


def engaged(parameters: Parameters = KNOWN) -> UserState:
    """Return a state where user 0 got three shares, one reply and one like, and replied once."""
    state = UserState()
    state.ensure(6)
    actors, targets = np.array([1, 2, 3, 4, 5, 0]), np.array([0, 0, 0, 0, 0, 4])
    kinds = np.array([1, 1, 1, 3, 0, 3], np.uint8)
    at = T - np.array([0.0, DAY_S, 3 * DAY_S, 3600.0, 0.0, 60.0])
    keep, offsets = np.ones(6, np.uint8), np.arange(6)
    priced = price(state, actors, targets.astype(np.uint64), kinds, at, offsets, keep, parameters)
    refs = kinds.astype(np.int64) << 60 | offsets
    credit(state, targets, actors.astype(np.uint64), kinds, at, *priced, refs, 0, keep, parameters)
    return state


def test_parts_add_up_to_raw() -> None:
    """What users are told must sum to what they are ranked by."""
    state = engaged()
    found = explain(state.rows[:1], T, KNOWN)
    assert sum(found.parts.values()) == pytest.approx(found.raw, rel=1e-12)
    assert found.raw == raw(state.rows[:1], T, KNOWN)[0]
    assert found.parts["mention"] == 0
    assert found.parts["relationships"] > 0


def test_top_events_come_heaviest_first() -> None:
    """A share now leads, and a like of now stands above a share of three days ago."""
    found = explain(engaged().rows[:1], T, KNOWN)
    assert [event.kind for event in found.top] == ["share", "reply", "share", "like", "share"]
    assert [event.ref & 0xFFFF for event in found.top] == [0, 3, 1, 4, 2]
    assert 0 < sum(event.share for event in found.top) <= 1


def test_lines_speak_plainly() -> None:
    """The words carry the same figures."""
    known, new = (
        explain(engaged().rows[:1], T, KNOWN),
        explain(engaged(Parameters()).rows[:1], T, Parameters()),
    )
    assert known.lines[0] == f"{100 * known.parts['share'] / known.raw:.0f} % from shares"
    assert "all of it by established people" in known.lines
    assert "all of it by newcomers, whose weight is limited" in new.lines
    assert any("one share 3 days ago" in line for line in known.lines)


def test_a_record_explains_itself() -> None:
    """Look-ups have the record only, and it holds the same parts."""
    found = explain(engaged().rows[:1], T, KNOWN)
    moments = [(0, event.ref & 0xFFFF, event.kind, round(event.at * 1000), event.mass) for event in found.top]
    record = {"raw": found.raw, "parts": found.parts, "as_of": round(T * 1000), "moments": moments}
    told = explain_record(record)
    assert told.parts == found.parts
    assert [event.ref for event in told.top] == [event.ref for event in found.top]
    assert told.lines[0] == found.lines[0]


def test_nothing_received_is_said_in_words() -> None:
    """A user who only gives has no parts to show."""
    state = UserState()
    state.ensure(1)
    found = explain(state.rows[:1], T, KNOWN)
    assert found.raw == 0
    assert found.established is None
    assert len(found.lines) == 1
