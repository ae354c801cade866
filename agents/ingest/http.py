"""HTTP ingest: `POST /v1/engagements` answers only after Kafka has acknowledged, item by item.

Bodies are JSON, JSON lines, CloudEvents or ActivityStreams (`agents.ingest.envelopes`).

202 all accepted, 207 some refused, 400 not JSON, 401 no valid key, 403 a web page's request, 408 too slow, 413 too
large, 415 unknown encoding, 422 too many items, 429 (Retry-After) over the key's rate, 503 (Retry-After) Kafka did
not acknowledge: nothing may be assumed, send the same again. Errors are problem+json (RFC 9457). Refused items are
told to the sender and not kept as dead letters: who posts can repair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from agents.access.gate import Caller, Gate, OpenGate
from agents.access.key import Purpose
from agents.http.admission import Health, Limits, Reception
from agents.http.faults import Fault
from agents.http.problems import ProblemError, problems
from agents.http.serving import unnamed
from agents.ingest import bodies, envelopes
from agents.ingest.delivery import Delivery
from agents.ingest.http_metrics import ACCEPTED, PATH, HttpMetrics, counted
from agents.ingest.kafka import KafkaAwayError
from agents.ingest.outcomes import Ready
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError
from schemas.instants import rfc3339
from schemas.reasons import Reason

RETRY_AFTER_S: Final = 2


@dataclass(slots=True)
class Ingest:
    """The handlers and what they need; `now_ms` is the wall clock."""

    delivery: Delivery
    metrics: HttpMetrics
    registry: CollectorRegistry
    now_ms: Callable[[], int]
    max_future_skew_s: float
    gate: Gate = field(default_factory=OpenGate)
    limits: Limits = field(default_factory=Limits)
    _reception: Reception = field(init=False)
    _health: Health = field(init=False)

    def __post_init__(self) -> None:
        """Make the parts that keep count."""
        self._reception = Reception(self.gate, self.limits)
        self._health = Health(self.delivery.is_up)

    async def post(self, request: web.Request) -> web.Response:
        """Accept or refuse each item of the body; see the module's docstring for statuses."""
        caller = self._reception.caller(request, Purpose.INGEST)
        body = await self._reception.body(request, caller)
        values = self._items(body, request, caller)
        self._reception.charge(caller, len(values))
        outcomes = [self._outcome(value) for value in values]
        ready = [each for each in outcomes if isinstance(each, Ready)]
        await self._deliver(ready, caller)
        for each in outcomes:
            self.metrics.item(caller.name, ACCEPTED if isinstance(each, Ready) else each.reason.value)
        status = HTTPStatus.ACCEPTED if len(ready) == len(outcomes) else HTTPStatus.MULTI_STATUS
        return _json(status, _answer(outcomes, len(ready)))

    async def health(self, _request: web.Request) -> web.Response:
        """Answer 200 while Kafka takes events, else 503; asks for no key and tells nothing else."""
        is_up = await self._health.is_up()
        status = HTTPStatus.OK if is_up else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"status": "ok" if is_up else "degraded", "kafka": "up" if is_up else "away"})

    async def exposition(self, request: web.Request) -> web.Response:
        """Answer with the metrics as Prometheus reads them; where keys are asked for, a key for metrics is."""
        self._reception.caller(request, Purpose.METRICS)
        return web.Response(body=generate_latest(self.registry), content_type="text/plain", charset="utf-8")

    def _items(self, body: bytes, request: web.Request, caller: Caller) -> list[bytes | BadRecordError]:
        most = self.limits.max_batch
        try:
            return envelopes.engagements(body, request.content_type, request.headers, most, self.now_ms())
        except bodies.BadBodyError as error:
            raise ProblemError(HTTPStatus.BAD_REQUEST, Fault.BAD_BODY, str(error), name=caller.name) from error
        except bodies.TooManyItemsError as error:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            raise ProblemError(status, Fault.TOO_MANY, str(error), name=caller.name) from error

    def _outcome(self, value: bytes | BadRecordError) -> Ready | BadRecordError:
        if isinstance(value, BadRecordError):
            return value
        try:
            act = decode_engagement(value)
        except BadRecordError as error:
            return error
        latest_ms = self.now_ms() + int(self.max_future_skew_s * 1000)
        if act.occurred_at_ms > latest_ms:
            detail = f"occurred_at={rfc3339(act.occurred_at_ms)}: at most {rfc3339(latest_ms)}; set the sender's clock"
            return BadRecordError(Reason.FROM_THE_FUTURE, detail)
        return Ready(act, value)

    async def _deliver(self, ready: Sequence[Ready], caller: Caller) -> None:
        if not ready:
            return
        started = time.perf_counter()
        try:
            await self.delivery.deliver(ready, caller.name)
        except KafkaAwayError as error:
            status, again = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER_S)}
            raise ProblemError(status, Fault.KAFKA_AWAY, str(error), name=caller.name, headers=again) from error
        self.metrics.seconds.observe(time.perf_counter() - started)


def build(ingest: Ingest) -> web.Application:
    """Return the application; it starts and stops the delivery with itself."""

    async def lifetime(_app: web.Application) -> Any:
        ingest.delivery.start()
        yield
        await ingest.delivery.stop()

    most = ingest.limits.max_body_bytes
    answered = problems(ingest.metrics.turned_away, lambda error: _advice(error, most))
    app = web.Application(client_max_size=most, middlewares=[counted(ingest.metrics), answered])
    app.cleanup_ctx.append(lifetime)
    app.on_response_prepare.append(unnamed)
    app.router.add_post(PATH, ingest.post)
    app.router.add_get("/health", ingest.health)
    app.router.add_get("/metrics", ingest.exposition)
    return app


def _advice(error: web.HTTPException, max_body_bytes: int) -> str:
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"the body is larger than {max_body_bytes} bytes; send it in parts"
    return f"{error.reason}; send engagements as POST {PATH}"


def _answer(outcomes: Sequence[Ready | BadRecordError], accepted: int) -> dict[str, Any]:
    return {
        "accepted": accepted,
        "refused": len(outcomes) - accepted,
        "items": [_item(index, each) for index, each in enumerate(outcomes)],
    }


def _item(index: int, outcome: Ready | BadRecordError) -> dict[str, Any]:
    if isinstance(outcome, Ready):
        return {"index": index, "status": "accepted"}
    return {"index": index, "status": "refused", "reason": outcome.reason.value, "detail": outcome.detail}


def _json(status: HTTPStatus, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body, default=str), content_type="application/json")
