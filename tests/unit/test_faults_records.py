"""The records that faults send: what is said to count must count, and what is bad must be refused."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice

import pytest

from agents.faults import records
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError

MOST = 6_000


@pytest.mark.parametrize("kind", [records.ordinary, records.disordered, records.hot])
def test_good_records_are_the_acts_that_they_name(kind: object) -> None:
    """The source counts what it is owed by these names."""
    for record in islice(kind(3), MOST):  # type: ignore[operator]
        act = decode_engagement(record.value)
        assert record.act == (act.actor.decode(), act.id.decode())
        assert record.key == act.actor


def refused(value: bytes | None) -> str:
    """Return why a record cannot count."""
    try:
        act = decode_engagement(value)
    except BadRecordError as error:
        return error.reason.value
    assert act.occurred_at_ms - time.time() * 1000 > 3_600_000, value
    return "future"


def test_hostile_records_are_refused_in_many_ways_and_are_three_in_ten() -> None:
    """A bad record that is accepted after all would be a fault of the suite, not of what it tests."""
    reasons: Counter[str] = Counter()
    good = bad = 0
    for record in islice(records.hostile(5), MOST):
        if record.act is None:
            bad += 1
            reasons[refused(record.value)] += 1
        else:
            good += 1
            assert decode_engagement(record.value).id.decode() == record.act[1]
    assert 0.25 < bad / (good + bad) < 0.35
    assert set(reasons) >= {"undecodable", "invalid_field", "too_large", "unknown_kind", "future"}


def test_repeats_are_a_tenth_and_late_ones_lie_within_the_hour() -> None:
    """Promises about order and repetition are worth what the stream puts them to."""
    sent = list(islice(records.disordered(7), MOST))
    times = Counter(record.act for record in sent)
    assert 0.06 < sum(count - 1 for count in times.values()) / len(sent) < 0.12
    at_ms = [decode_engagement(record.value).occurred_at_ms for record in sent]
    assert 3_000_000 < max(at_ms) - min(at_ms) <= 3_600_000 + 60_000


def test_hot_records_have_one_target_and_one_actor_of_all() -> None:
    """Four fifths and a half, as far as nobody engages with herself."""
    acts = [decode_engagement(record.value) for record in islice(records.hot(9), MOST)]
    assert 0.75 < sum(act.target == b"test:hot-target" for act in acts) / MOST < 0.85
    assert 0.45 < sum(act.actor == b"test:hot-actor" for act in acts) / MOST < 0.55


def test_a_seed_makes_the_same_again() -> None:
    """A failure must be repeatable."""
    one, two, other = ([record.act for record in islice(records.hostile(seed), 500)] for seed in (1, 1, 2))
    assert one == two != other
