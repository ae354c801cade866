"""Metrics of HTTP ingest."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from schemas.reasons import Reason

ACCEPTED: Final = "accepted"
STATUSES: Final = ("202", "207", "400", "404", "405", "413", "500", "503")
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class HttpMetrics:
    """Every series exists at zero from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        items = Counter(
            "renown_http_items",
            "Items by outcome: accepted, or the reason of the refusal; a rising reason: tell the sender.",
            ["outcome"],
            registry=registry,
        )
        self.items = {outcome: items.labels(outcome) for outcome in (ACCEPTED, *(reason.value for reason in Reason))}
        requests = Counter(
            "renown_http_requests",
            "Requests for ingestion by status; 503 means that Kafka did not acknowledge.",
            ["status"],
            registry=registry,
        )
        self.requests = {status: requests.labels(status) for status in STATUSES}
        self.seconds = Histogram(
            "renown_http_ack_seconds",
            "From a parsed request to Kafka's acknowledgement; high: look at the brokers.",
            buckets=BUCKETS_S,
            registry=registry,
        )
