"""Errors of HTTP ingest as problem+json (RFC 9457), counted, and nothing of a key in any of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from agents.access.key import Cause
from agents.ingest.http_metrics import NOBODY, Fault, HttpMetrics

PATH: Final = "/v1/engagements"
MAX_DETAIL_CHARS: Final = 500
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ProblemError(Exception):
    """A request is turned away whole: with `status`, because of `reason`; `name` is the caller's.

    `closes` ends the connection after the answer: what would come next on it cannot be told apart.
    """

    def __init__(
        self,
        status: HTTPStatus,
        reason: Fault | Cause,
        detail: str,
        *,
        name: str = NOBODY,
        headers: Mapping[str, str] | None = None,
        closes: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail, self.name = status, reason, detail, name
        self.headers, self.closes = dict(headers or {}), closes


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an RFC 9457 problem document."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail[:MAX_DETAIL_CHARS],
    }
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=headers
    )


def problems(metrics: HttpMetrics, max_body_bytes: int) -> Any:
    """Return a middleware that answers with problems, also for what aiohttp refuses by itself, and counts them."""

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            metrics.turned_away(error.name, error.reason)
            answer = problem(error.status, error.detail, error.headers)
            if error.closes:
                answer.force_close()
            return answer
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return problem(HTTPStatus(error.status), _advice(error, max_body_bytes), allow)

    return answered


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


def _advice(error: web.HTTPException, max_body_bytes: int) -> str:
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return f"the body is larger than {max_body_bytes} bytes; send it in parts"
    return f"{error.reason}; send engagements as POST {PATH}"
