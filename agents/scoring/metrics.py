"""The scoring agent's metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OUTCOMES: Final = ("written", "stale", "removed", "refused")
BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class ScoringMetrics:
    """Every series exists at zero from the start, so that an alert on its absence means the agent is gone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._users = Counter(
            "renown_scoring_users",
            "Score records by outcome; stale = not newer than what Redis holds; refused = not a score: see the log.",
            ["outcome"],
            registry=registry,
        )
        self.by_outcome = {outcome: self._users.labels(outcome) for outcome in OUTCOMES}
        self.rewinds = Counter(
            "renown_scoring_rewinds",
            "Partitions re-read because Redis held another position; more than at start means that Redis lost data.",
            registry=registry,
        )
        self.redis_up = Gauge(
            "renown_scoring_redis_up",
            "1 while Redis answers; at 0 scores wait in Kafka: look at Redis.",
            registry=registry,
        )
        self.delay = Histogram(
            "renown_scoring_delay_seconds",
            "From the append of an engagement to its score being readable; high: see the workers' lag first.",
            buckets=BUCKETS_S,
            registry=registry,
        )
