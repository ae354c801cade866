"""Metrics of the score API."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from agents.access.key import Cause
from agents.http.faults import Fault
from streams.declaration import Declaration, Kind, Label, Unit, about_process, counter, gauge, histogram

STATUSES: Final = (
    "200",
    "202",
    "204",
    "304",
    "400",
    "401",
    "403",
    "404",
    "405",
    "408",
    "413",
    "415",
    "429",
    "500",
    "503",
)
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

REQUESTS: Final = Declaration(
    "requests",
    "renown_web_requests",
    Kind.COUNTER,
    Unit.REQUESTS,
    "requests for scores by status",
    "503 rising: look at Redis; 500: see the log; 429: a reader needs a higher rate or must slow down",
    (Label("status", STATUSES),),
)
TURNED_AWAY: Final = Declaration(
    "turned_away",
    "renown_web_turned_away",
    Kind.COUNTER,
    Unit.REQUESTS,
    "requests for scores that were turned away, by reason",
    "wrong, unknown, expired: somebody tries keys or missed a rotation; newer: upgrade this server",
    (Label("reason", tuple(each.value for each in (*Cause, *Fault))),),
)
SECONDS: Final = Declaration(
    "seconds",
    "renown_web_seconds",
    Kind.HISTOGRAM,
    Unit.SECONDS,
    "from a request for scores to its answer, streams apart",
    "high: look at Redis, then at this process's CPU",
    buckets=BUCKETS_S,
)
STREAMS: Final = Declaration(
    "streams",
    "renown_web_streams",
    Kind.GAUGE,
    Unit.REQUESTS,
    "streams of live changes that are open",
    "at RENOWN_MAX_STREAMS: raise it, or run another server",
)
CATALOGUE: Final = (REQUESTS, TURNED_AWAY, SECONDS, STREAMS)


class WebMetrics:
    """Every series exists at zero from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about_process(registry)
        self.registry = registry
        requests = counter(REQUESTS, registry)
        self._by_status = {int(status): requests.labels(status) for status in STATUSES}
        self._turned_away = counter(TURNED_AWAY, registry)
        self.seconds = histogram(SECONDS, registry)
        self.streams = gauge(STREAMS, registry)

    def answered(self, status: int, seconds: float | None) -> None:
        """Count one request; without `seconds` its time says nothing."""
        self._by_status.get(status, self._by_status[500]).inc()
        if seconds is not None:
            self.seconds.observe(seconds)

    def turned_away(self, _name: str, reason: Fault | Cause) -> None:
        """Count one request that was refused."""
        self._turned_away.labels(reason.value).inc()
