"""What was sent and what was refused so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from schemas.reasons import Reason


@dataclass(slots=True)
class Tally:
    """Counts of one run: `sent` were acknowledged by Kafka, `refused` broke the contract."""

    sent: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)

    @property
    def refused_total(self) -> int:
        """Return how many records were refused, for whatever reason."""
        return self.refused.total()

    def by_reason(self) -> dict[str, int]:
        """Return refusals by reason, most frequent first."""
        return {reason.value: count for reason, count in self.refused.most_common()}
