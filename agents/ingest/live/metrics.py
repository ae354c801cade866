"""Metrics of a collector: every series exists at zero from the start."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from agents.ingest.tally import Tally
from schemas.reasons import Reason


class Lost(StrEnum):
    """What had to be connected to anew."""

    FEED = "feed"
    KAFKA = "kafka"


class CollectMetrics:
    """The metrics of one source in one process."""

    def __init__(self, registry: CollectorRegistry, source: str) -> None:
        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"renown_collect_{name}", meaning, ["source", *labels], registry=registry)

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"renown_collect_{name}", meaning, ["source"], registry=registry).labels(source)

        self.frames = counter(
            "frames", "Frames read from the feed; standing still while connected: the feed is silent."
        ).labels(source)
        self.passed = counter(
            "passed", "Frames that hold no engagement: other records, and deletions of what is not remembered."
        ).labels(source)
        self.engagements = counter(
            "engagements", "Engagements that Kafka has acknowledged; behind the frames for long: look at the brokers."
        ).labels(source)
        refused = counter("refused", "Engagements refused; rising: see `renown dlq list`.", "reason")
        self._refused = {reason: refused.labels(source, reason.value) for reason in Reason}
        lost = counter("lost", "Connections lost and made again; feed: see the log and try other hosts.", "to")
        self.lost = {each: lost.labels(source, each.value) for each in Lost}
        self.connected = gauge("connected", "1 while frames arrive from the feed, else 0.")
        self.lag_s = gauge(
            "lag_seconds", "Age of the newest frame when Kafka had acknowledged it; growing: feed or Kafka is slow."
        )
        self.newest_s = gauge(
            "newest_timestamp_seconds", "The feed's instant of the newest acknowledged frame; no longer rising: silent."
        )
        self._told = Tally()

    def told(self, tally: Tally) -> None:
        """Count what was sent and refused since the last call."""
        self.engagements.inc(tally.sent - self._told.sent)
        for reason, count in tally.refused.items():
            self._refused[reason].inc(count - self._told.refused[reason])
        self._told = Tally(tally.sent, tally.refused.copy())

    def acknowledged(self, at_ms: int, now_ms: int) -> None:
        """Tell how far behind its feed the newest acknowledged frame was."""
        self.lag_s.set(max(0.0, (now_ms - at_ms) / 1000.0))
        self.newest_s.set(at_ms / 1000.0)
