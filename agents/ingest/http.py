"""HTTP ingest: `POST /v1/engagements` answers only after Kafka has acknowledged, item by item.

202 all accepted, 207 some refused, 400 not JSON, 413 too much, 503 (Retry-After) Kafka did not acknowledge: nothing
may be assumed, send the same again. Errors are problem+json (RFC 9457). Refused items are told to the sender
and not kept as dead letters: who posts can repair.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from agents.ingest import bodies
from agents.ingest.delivery import Delivery
from agents.ingest.http_metrics import ACCEPTED, HttpMetrics
from agents.ingest.kafka import KafkaAwayError
from agents.ingest.outcomes import Ready
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError
from schemas.instants import rfc3339
from schemas.reasons import Reason

PATH: Final = "/v1/engagements"
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
RETRY_AFTER_S: Final = 2
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Ingest:
    """The handlers and what they need; `now_ms` is the wall clock."""

    delivery: Delivery
    metrics: HttpMetrics
    registry: CollectorRegistry
    now_ms: Callable[[], int]
    max_future_skew_s: float

    async def post(self, request: web.Request) -> web.Response:
        """Accept or refuse each item of the body; see the module's docstring for statuses."""
        try:
            values = bodies.items(await request.read(), request.content_type)
        except bodies.BadBodyError as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        except bodies.TooManyItemsError as error:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))
        outcomes = [self._outcome(value) for value in values]
        ready = [each for each in outcomes if isinstance(each, Ready)]
        try:
            await self._deliver(ready)
        except KafkaAwayError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": str(RETRY_AFTER_S)})
        self._count(outcomes)
        status = HTTPStatus.ACCEPTED if len(ready) == len(outcomes) else HTTPStatus.MULTI_STATUS
        return _json(status, _answer(outcomes, len(ready)))

    async def health(self, _request: web.Request) -> web.Response:
        """Answer 200 while Kafka takes events, else 503."""
        is_up = await self.delivery.is_up()
        status = HTTPStatus.OK if is_up else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"status": "ok" if is_up else "degraded", "kafka": "up" if is_up else "away"})

    async def exposition(self, _request: web.Request) -> web.Response:
        """Answer with the metrics as Prometheus reads them."""
        return web.Response(body=generate_latest(self.registry), content_type="text/plain", charset="utf-8")

    def _outcome(self, value: bytes) -> Ready | BadRecordError:
        try:
            act = decode_engagement(value)
        except BadRecordError as error:
            return error
        latest_ms = self.now_ms() + int(self.max_future_skew_s * 1000)
        if act.occurred_at_ms > latest_ms:
            detail = f"occurred_at={rfc3339(act.occurred_at_ms)}: at most {rfc3339(latest_ms)}; set the sender's clock"
            return BadRecordError(Reason.FROM_THE_FUTURE, detail)
        return Ready(act, value)

    async def _deliver(self, ready: Sequence[Ready]) -> None:
        if not ready:
            return
        started = time.perf_counter()
        await self.delivery.deliver(ready)
        self.metrics.seconds.observe(time.perf_counter() - started)

    def _count(self, outcomes: Sequence[Ready | BadRecordError]) -> None:
        for each in outcomes:
            self.metrics.items[ACCEPTED if isinstance(each, Ready) else each.reason.value].inc()


def build(ingest: Ingest) -> web.Application:
    """Return the application; it starts and stops the delivery with itself."""

    async def lifetime(_app: web.Application) -> Any:
        ingest.delivery.start()
        yield
        await ingest.delivery.stop()

    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_problems, _counted(ingest.metrics)])
    app.cleanup_ctx.append(lifetime)
    app.router.add_post(PATH, ingest.post)
    app.router.add_get("/health", ingest.health)
    app.router.add_get("/metrics", ingest.exposition)
    return app


def problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an RFC 9457 problem document."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail[:500]}
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=headers
    )


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what aiohttp refuses by itself (unknown path, wrong method, body too large) as a problem, too."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(HTTPStatus(error.status), _advice(error), allow)


def _advice(error: web.HTTPException) -> str:
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"the body is larger than {MAX_BODY_BYTES} bytes; send it in parts"
    return f"{error.reason}; send engagements as POST {PATH}"


def _counted(metrics: HttpMetrics) -> Any:
    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != PATH:
            return await handler(request)
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            metrics.requests.get(str(status), metrics.requests["500"]).inc()
        return response

    return counted


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
