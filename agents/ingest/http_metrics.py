"""Metrics of HTTP ingest."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from agents.access.key import Cause
from agents.http.faults import NOBODY, Fault
from agents.http.problems import Handler
from schemas.reasons import Reason
from streams.declaration import Declaration, Kind, Label, Unit, about_process, counter, histogram

PATH: Final = "/v1/engagements"
ACCEPTED: Final = "accepted"
OUTCOMES: Final = (ACCEPTED, *(reason.value for reason in Reason))
STATUSES: Final = (
    "202", "207", "400", "401", "403", "404", "405", "408", "413", "415", "417", "422", "429", "500", "503",
)  # fmt: skip
BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MOST_NAMES: Final = 1_000
OTHERS: Final = "others"


_KEY: Final = Label("key", holds="the name of the sender's key, `-` without one, `others` beyond a thousand names")

ITEMS: Final = Declaration(
    "items",
    "renown_http_items",
    Kind.COUNTER,
    Unit.ENGAGEMENTS,
    "items by key and outcome: accepted, or the reason of the refusal",
    "a rising reason: tell the sender",
    (_KEY, Label("outcome", OUTCOMES)),
)
TURNED_AWAY: Final = Declaration(
    "turned_away",
    "renown_http_turned_away",
    Kind.COUNTER,
    Unit.REQUESTS,
    "requests turned away whole, by key and reason",
    "rate: the sender needs a higher --rate or must slow down; wrong, unknown, expired: somebody tries keys or "
    "missed a rotation",
    (_KEY, Label("reason", tuple(each.value for kind in (Cause, Fault) for each in kind))),
)
REQUESTS: Final = Declaration(
    "requests",
    "renown_http_requests",
    Kind.COUNTER,
    Unit.REQUESTS,
    "requests for ingestion by status",
    "503 means that Kafka did not acknowledge",
    (Label("status", STATUSES),),
)
ACK: Final = Declaration(
    "seconds",
    "renown_http_ack_seconds",
    Kind.HISTOGRAM,
    Unit.SECONDS,
    "from a parsed request to Kafka's acknowledgement",
    "high: look at the brokers",
    buckets=BUCKETS_S,
)
CATALOGUE: Final = (ITEMS, TURNED_AWAY, REQUESTS, ACK)


class HttpMetrics:
    """Every series of a known name exists at zero from the start; `names` are those that keys bear now."""

    def __init__(self, registry: CollectorRegistry, names: Iterable[str] = ()) -> None:
        about_process(registry)
        self._items = counter(ITEMS, registry)
        self._turned_away = counter(TURNED_AWAY, registry)
        requests = counter(REQUESTS, registry)
        self.requests = {status: requests.labels(status) for status in STATUSES}
        self.seconds = histogram(ACK, registry)
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


def counted(metrics: HttpMetrics) -> Any:
    """Return a middleware that counts requests for ingestion by status."""

    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            response = await handler(request)
            status = response.status
        finally:
            if request.path == PATH:
                metrics.requests.get(str(status), metrics.requests["500"]).inc()
        return response

    return counting
