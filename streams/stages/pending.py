"""Which users of a partition have a score to send, since when, and when each was sent last. In memory only:
after a crash the rows themselves say whose newest score was never acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from streams.engine.partition import Partition

_START = 1024


@dataclass(slots=True)
class Pending:
    """Per user slot: `waits` u1, `produced_at_ms` i8 (oldest engagement waiting, 0 = none), `sent_at` f8 (steady)."""

    waits: np.ndarray = field(default_factory=lambda: np.zeros(_START, np.uint8))
    produced_at_ms: np.ndarray = field(default_factory=lambda: np.zeros(_START, np.int64))
    sent_at: np.ndarray = field(default_factory=lambda: np.full(_START, -np.inf))

    def fit(self, count: int) -> None:
        """Have room for `count` users."""
        short = count - len(self.waits)
        if short > 0:
            more = max(short, len(self.waits))
            self.waits = np.concatenate([self.waits, np.zeros(more, np.uint8)])
            self.produced_at_ms = np.concatenate([self.produced_at_ms, np.zeros(more, np.int64)])
            self.sent_at = np.concatenate([self.sent_at, np.full(more, -np.inf)])

    def mark(self, slots: np.ndarray, produced_at_ms: int = 0) -> None:
        """Note that the users at `slots` changed, through engagements appended at `produced_at_ms` or later."""
        if len(slots):
            self.fit(int(slots.max()) + 1)
            self.waits[slots] = 1
            if produced_at_ms:
                unset = slots[self.produced_at_ms[slots] == 0]
                self.produced_at_ms[unset] = produced_at_ms

    def due(self, now_s: float, interval_s: float, limit: int) -> np.ndarray:
        """Return at most `limit` slots i8 that wait and were not sent within `interval_s`."""
        waiting = np.flatnonzero(self.waits)
        return waiting[now_s - self.sent_at[waiting] >= interval_s][:limit]

    def drop(self, slots: np.ndarray) -> None:
        """Note that nothing waits for the users at `slots`: they left."""
        known = slots[slots < len(self.waits)]
        self.waits[known], self.produced_at_ms[known], self.sent_at[known] = 0, 0, -np.inf

    @property
    def any(self) -> bool:
        """Whether a user waits."""
        return bool(self.waits.any())


def pending_of(partition: Partition) -> Pending:
    """Return the partition's pending users; at first, those whose newest credit was never sent as a score."""
    found: Pending | None = partition.extra.get("pending")
    if found is None:
        found = partition.extra["pending"] = Pending()
        rows = partition.state.rows[: len(partition.index)]
        found.mark(np.flatnonzero(rows["got_last"] > rows["sent_last"]))
    return found
