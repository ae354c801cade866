"""Who waits for a score, and how often one is sent."""

from __future__ import annotations

import numpy as np

from streams.engine.partition import Partition
from streams.stages.pending import Pending, pending_of

KEY = b"sixteen bytes!!!"


def test_a_user_is_due_at_most_once_an_interval() -> None:
    """Readers and Redis are spared a record per event of a hot user."""
    pending = Pending()
    pending.mark(np.array([3]))
    assert pending.due(now_s=100.0, interval_s=1.0, limit=10).tolist() == [3]
    pending.sent_at[3] = 100.0
    assert pending.due(now_s=100.5, interval_s=1.0, limit=10).tolist() == []
    assert pending.due(now_s=101.0, interval_s=1.0, limit=10).tolist() == [3]


def test_the_oldest_engagement_that_waits_is_what_latency_is_measured_from() -> None:
    """A later event of the same user must not make the score look faster than it is."""
    pending = Pending()
    pending.mark(np.array([5_000, 1]), produced_at_ms=70)
    pending.mark(np.array([1]), produced_at_ms=90)
    assert pending.produced_at_ms[[1, 5_000]].tolist() == [70, 70]


def test_after_a_crash_everybody_whose_newest_credit_was_never_sent_waits() -> None:
    """The row alone says what the scores topic has acknowledged."""
    partition = Partition(0, KEY)
    slots = partition.slots([b"x:sent", b"x:unsent", b"x:only-gave"])
    partition.state.rows["got_last"][slots] = [7, 9, 0]
    partition.state.rows["sent_last"][slots] = [7, 8, 0]
    assert np.flatnonzero(pending_of(partition).waits).tolist() == [slots[1]]
