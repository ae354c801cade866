"""Which deployment is judged, and what its topics, groups and keys are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Deployment:
    """Addresses and names of a deployment; `kafka_settings` are further settings of the Kafka client.

    `dedupe_horizon` (offsets), `max_future_skew_s` and `undo_window_s` are what its workers were told.
    """

    bootstrap: str
    redis_url: str
    prefix: str
    redis_prefix: str
    partitions: int = 8
    kafka_settings: Mapping[str, str] = field(default_factory=dict)
    dedupe_horizon: int = 200_000
    max_future_skew_s: float = 300.0
    undo_window_s: float = 86_400.0

    def topic(self, name: str) -> str:
        """Return the full name of a topic of the pipeline: engagements, credits, scores, dead-letters."""
        return f"{self.prefix}.{name}.v1"

    @property
    def changelog(self) -> str:
        """The users table's changelog."""
        return f"{self.prefix}.app-users-changelog"

    @property
    def commitments(self) -> tuple[tuple[str, str], ...]:
        """(group, topic) pairs, each of which must be committed to its end when all work is done."""
        app, scoring = f"{self.prefix}.app", f"{self.prefix}.scoring"
        return (app, self.topic("engagements")), (app, self.topic("credits")), (scoring, self.topic("scores"))
