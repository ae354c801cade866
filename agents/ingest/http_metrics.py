"""Metrics of HTTP ingest."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from agents.access.key import Cause
from schemas.reasons import Reason

ACCEPTED: Final = "accepted"
OUTCOMES: Final = (ACCEPTED, *(reason.value for reason in Reason))
STATUSES: Final = (
    "202", "207", "400", "401", "403", "404", "405", "408", "413", "415", "417", "422", "429", "500", "503",
)  # fmt: skip
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MOST_NAMES: Final = 1_000
NOBODY: Final = "-"
"""Stands for callers without a valid key: what they send never becomes a label."""
OTHERS: Final = "others"


class Fault(StrEnum):
    """Why a whole request was turned away, beside the causes for which its key was."""

    BROWSER = "browser"
    KEYS_UNREADABLE = "keys_unreadable"
    RATE = "rate"
    BUSY = "busy"
    SLOW = "slow"
    TORN = "torn"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    BAD_BODY = "bad_body"
    KAFKA_AWAY = "kafka_away"


class HttpMetrics:
    """Every series of a known name exists at zero from the start; `names` are those that keys bear now."""

    def __init__(self, registry: CollectorRegistry, names: Iterable[str] = ()) -> None:
        self._items = Counter(
            "renown_http_items",
            "Items by key and outcome: accepted, or the reason of the refusal; a rising reason: tell the sender.",
            ["key", "outcome"],
            registry=registry,
        )
        self._turned_away = Counter(
            "renown_http_turned_away",
            "Requests turned away whole, by key and reason; rate: the sender needs a higher --rate or must slow down; "
            "wrong, unknown, expired: somebody tries keys or missed a rotation.",
            ["key", "reason"],
            registry=registry,
        )
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
        self._names: set[str] = set()
        for cause in Cause:
            self._turned_away.labels(NOBODY, cause.value)
        for fault in (Fault.BROWSER, Fault.KEYS_UNREADABLE):
            self._turned_away.labels(NOBODY, fault.value)
        for name in names:
            self._known(name)

    def item(self, name: str, outcome: str) -> None:
        """Count one item of a caller."""
        self._items.labels(self._known(name), outcome).inc()

    def turned_away(self, name: str, reason: Fault | Cause) -> None:
        """Count one request that was refused whole."""
        known = NOBODY if name == NOBODY else self._known(name)
        self._turned_away.labels(known, reason.value).inc()

    def _known(self, name: str) -> str:
        """Return the label of a name, its series made; names beyond a limit share one."""
        if name in self._names:
            return name
        label = name if len(self._names) < MOST_NAMES else OTHERS
        self._names.add(label)
        for outcome in OUTCOMES:
            self._items.labels(label, outcome)
        for fault in Fault:
            self._turned_away.labels(label, fault.value)
        return label
