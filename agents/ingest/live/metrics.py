"""Metrics of a collector: every series exists at zero from the start."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry

from agents.ingest.tally import Tally
from schemas.reasons import Reason
from streams.declaration import Declaration, Kind, Label, Unit, about_process, counter, gauge


class Lost(StrEnum):
    """What had to be connected to anew."""

    FEED = "feed"
    KAFKA = "kafka"


_SOURCE: Final = Label("source", holds="the source's name")


def _declared(field: str, name: str, kind: Kind, unit: Unit, meaning: str, remedy: str, *labels: Label) -> Declaration:
    return Declaration(field, f"renown_collect_{name}", kind, unit, meaning, remedy, (_SOURCE, *labels))


FRAMES: Final = _declared(
    "frames",
    "frames",
    Kind.COUNTER,
    Unit.RECORDS,
    "frames read from the feed",
    "standing still while connected: the feed is silent",
)
PASSED: Final = _declared(
    "passed",
    "passed",
    Kind.COUNTER,
    Unit.RECORDS,
    "frames that hold no engagement: other records, and deletions of what is not remembered",
    "nearly all frames: the feed's form may have changed",
)
ENGAGEMENTS: Final = _declared(
    "engagements",
    "engagements",
    Kind.COUNTER,
    Unit.ENGAGEMENTS,
    "engagements that Kafka has acknowledged",
    "behind the frames for long: look at the brokers",
)
REFUSED: Final = _declared(
    "refused",
    "refused",
    Kind.COUNTER,
    Unit.ENGAGEMENTS,
    "engagements refused, by reason",
    "rising: see `renown dlq list`",
    Label("reason", tuple(reason.value for reason in Reason)),
)
LOST: Final = _declared(
    "lost",
    "lost",
    Kind.COUNTER,
    Unit.TIMES,
    "connections lost and made again",
    "feed: see the log and try other hosts; kafka: look at the brokers",
    Label("to", tuple(each.value for each in Lost)),
)
CONNECTED: Final = _declared(
    "connected",
    "connected",
    Kind.GAUGE,
    Unit.TRUTH,
    "1 while frames arrive from the feed, else 0",
    "0 for long: see the log for the feed's answer",
)
LAG: Final = _declared(
    "lag_s",
    "lag_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    "age of the newest frame when Kafka had acknowledged it",
    "growing: the feed or Kafka is slow",
)
NEWEST: Final = _declared(
    "newest_s",
    "newest_timestamp_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    "the feed's instant of the newest acknowledged frame",
    "no longer rising: the feed is silent",
)
CATALOGUE: Final = (FRAMES, PASSED, ENGAGEMENTS, REFUSED, LOST, CONNECTED, LAG, NEWEST)


class CollectMetrics:
    """The metrics of one source in one process."""

    def __init__(self, registry: CollectorRegistry, source: str) -> None:
        about_process(registry)
        self.frames, self.passed, self.engagements = (
            counter(each, registry, source=source).labels(source) for each in (FRAMES, PASSED, ENGAGEMENTS)
        )
        self.connected, self.lag_s, self.newest_s = (
            gauge(each, registry, source=source).labels(source) for each in (CONNECTED, LAG, NEWEST)
        )
        refused, lost = (counter(each, registry, source=source) for each in (REFUSED, LOST))
        self._refused = {reason: refused.labels(source, reason.value) for reason in Reason}
        self.lost = {each: lost.labels(source, each.value) for each in Lost}
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
