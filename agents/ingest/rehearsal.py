"""What would become of a file, without Kafka: how much would be sent, and what would be refused and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agents.ingest.outcomes import Outcome, Outcomes, Ready
from agents.ingest.tally import Tally
from schemas.engagement import Act
from schemas.errors import BadRecordError, shown
from schemas.instants import rfc3339
from schemas.reasons import Reason

MOST_EXAMPLES: Final = 3


class Example(NamedTuple):
    """A record that would be refused: its place (line or row, 0 = unknown), why, and its first bytes."""

    place: int
    detail: str
    record: str


@dataclass(slots=True)
class Rehearsal:
    """Counts and first examples; includes what the workers would refuse of what is sent.

    `now_ms` is the wall clock; acts more than `skew_ms` ahead of it would be refused.
    """

    now_ms: Callable[[], int]
    skew_ms: int
    tally: Tally = field(default_factory=Tally)
    examples: dict[Reason, list[Example]] = field(default_factory=dict)
    first_ms: int | None = None
    last_ms: int | None = None

    def run(self, outcomes: Outcomes, progress: Callable[[], None]) -> None:
        """Read all outcomes; raises what the reader raises."""
        for block in outcomes:
            for each in block:
                self._count(each)
            progress()

    def document(self) -> dict[str, Any]:
        """Return the findings for JSON."""
        span = {"first": self.first_ms, "last": self.last_ms}
        return {
            "would_send": self.tally.sent,
            "would_refuse": self.tally.by_reason(),
            "occurred_at": {name: None if ms is None else rfc3339(ms) for name, ms in span.items()},
            "examples": {reason.value: [each._asdict() for each in found] for reason, found in self.examples.items()},
        }

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Ready):
            error, place = self._objection(outcome.act), 0
            at_ms = outcome.act.occurred_at_ms
            self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
            self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)
        else:
            error, place = outcome.error, outcome.line
        if error is None:
            self.tally.sent += 1
            return
        self.tally.refused[error.reason] += 1
        found = self.examples.setdefault(error.reason, [])
        if len(found) < MOST_EXAMPLES:
            found.append(Example(place, error.detail, shown(outcome.value)))

    def _objection(self, act: Act) -> BadRecordError | None:
        """Return why a worker would refuse an act that meets the contract, None = it would not."""
        if act.occurred_at_ms > self.now_ms() + self.skew_ms:
            return BadRecordError(Reason.FROM_THE_FUTURE, f"occurred_at={rfc3339(act.occurred_at_ms)} is ahead of now")
        return None
