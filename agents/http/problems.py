"""Errors as problem+json (RFC 9457), counted, and nothing of a key in any of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from agents.access.key import Cause
from agents.http.faults import NOBODY, Fault

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
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=kept)


def problems(turned_away: Callable[[str, Fault | Cause], None], advice: Callable[[web.HTTPException], str]) -> Any:
    """Return a middleware that answers with problems, also for what aiohttp refuses by itself.

    `turned_away` counts who was turned away and why; `advice` is the detail of aiohttp's own refusals.
    """

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            turned_away(error.name, error.reason)
            answer = problem(error.status, error.detail, error.headers)
            if error.closes:
                answer.force_close()
            return answer
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return problem(HTTPStatus(error.status), advice(error), allow)

    return answered
