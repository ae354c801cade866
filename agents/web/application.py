"""The application: operations from their table, the page, health, metrics and documentation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agents.access.gate import OpenGate
from agents.access.key import Purpose
from agents.http.admission import Health
from agents.http.problems import Handler, problems
from agents.http.serving import unnamed
from agents.web import answers, cors, openapi
from agents.web.changes import Changes
from agents.web.conditional import fresh
from agents.web.departures import Departures
from agents.web.guard import Contract, guarded, timed
from agents.web.links import Links
from agents.web.metrics import WebMetrics
from agents.web.operations import OPERATIONS
from agents.web.page import add_page
from agents.web.reasons import Reasons
from agents.web.stewardship import Stewardship

ANY_USER: Final = "{user:[^/]+}"
"""Braces, too, may stand in an id, which aiohttp's own pattern leaves out."""
MAX_BODY_BYTES: Final = 2 * 1024 * 1024
"""A thousand ids of the greatest length, every character of them escaped, fit in it."""


@dataclass(slots=True)
class Api:
    """All handlers and what they stand on; `origins` may read scores from their pages."""

    redis: Redis
    reasons: Reasons
    changes: Changes
    desk: Stewardship
    metrics: WebMetrics
    origins: frozenset[str]

    def handler(self, name: str) -> Handler:
        """Return the handler of an operation."""
        for each in (self.reasons.scores, self.reasons, self.changes, Departures(self.desk), Links(self.desk)):
            if hasattr(each, name):
                found: Handler = getattr(each, name)
                return found
        raise LookupError(name)

    async def is_up(self) -> bool:
        """Return whether Redis answers."""
        try:
            await self.redis.ping()
        except (RedisError, OSError):
            return False
        return True


def build(api: Api) -> web.Application:
    """Return the application; while it runs, live changes are looked for."""
    scores = api.reasons.scores
    answered = problems(api.metrics.turned_away, _advice)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[timed(api.metrics), answered])
    guard = guarded(Contract(scores.reader))
    for each in OPERATIONS:
        path = each.path.replace("{user}", ANY_USER)
        operation = api.handler(each.name)
        if each.purpose is Purpose.READ:
            operation = guard(operation)
        app.router.add_route(each.method, path, operation)
        if each.method == "GET" and each.name != "stream":
            app.router.add_route("HEAD", path, operation)
    app.router.add_get("/health", _health(api))
    app.router.add_get("/metrics", _exposition(api))
    app.router.add_get("/openapi.json", _documentation(with_keys=not isinstance(scores.reception.gate, OpenGate)))
    add_page(app)
    cors.allow(app, api.origins)
    app.on_response_prepare.append(unnamed)
    app.cleanup_ctx.append(_looking(api.changes))
    app.on_shutdown.append(api.desk.end)
    return app


def _looking(changes: Changes) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async def end(_app: web.Application) -> None:
            changes.end()

        app.on_shutdown.append(end)
        task = asyncio.create_task(changes.watches.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return lifetime


def _health(api: Api) -> Handler:
    health = Health(api.is_up)

    async def handler(_request: web.Request) -> web.Response:
        if await health.is_up():
            return _json(HTTPStatus.OK, answers.Health("ok", "up"))
        return _json(HTTPStatus.SERVICE_UNAVAILABLE, answers.Health("degraded", "away"))

    return handler


def _exposition(api: Api) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        api.reasons.scores.reception.caller(request, Purpose.METRICS)
        return web.Response(body=generate_latest(api.metrics.registry), content_type="text/plain", charset="utf-8")

    return handler


def _documentation(*, with_keys: bool) -> Handler:
    body = msgspec.json.encode(openapi.document(with_keys=with_keys))

    async def handler(request: web.Request) -> web.Response:
        return fresh(request, body, "application/json", {"Cache-Control": "no-cache"})

    return handler


def _json(status: HTTPStatus, document: msgspec.Struct) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(
        status=status, body=msgspec.json.encode(document), content_type="application/json", headers=headers
    )


def _advice(error: web.HTTPException) -> str:
    return f"{error.reason}; what there is stands in /openapi.json"
