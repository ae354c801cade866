"""Which web pages of other origins may read scores: none unless a setting names them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from agents.web.operations import DEPARTURES, LINKS
from schemas.errors import BadSettingError

EVERY: Final = "*"
PREFLIGHT_S: Final = 3_600
_EXPOSED: Final = "ETag, Retry-After"
_ASKED: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": str(PREFLIGHT_S),
}


def origins_of(setting: str) -> frozenset[str]:
    """Return the origins in a setting; raise BadSettingError for one that no browser would send.

    >>> sorted(origins_of("https://a.example, http://localhost:3000"))
    ['http://localhost:3000', 'https://a.example']
    """
    found = frozenset(each.strip() for each in setting.split(",") if each.strip())
    for each in found - {EVERY}:
        scheme, _, host = each.partition("://")
        if scheme not in {"http", "https"} or not host or "/" in host or not each.isascii() or each != each.lower():
            remedy = "send origins as browsers do, such as https://example.org, separated by commas, or *"
            raise BadSettingError("RENOWN_CORS_ORIGINS", each, remedy)
    return found


def allow(app: web.Application, origins: frozenset[str]) -> None:
    """Let pages of these origins read under /v1/: their preflights are answered, their answers marked.

    Departures and links are for servers: a key that deletes has no business in a browser.
    """
    if not origins:
        return

    async def marked(request: web.Request, response: web.StreamResponse) -> None:
        if not request.path.startswith("/v1/") or request.path in {DEPARTURES, LINKS}:
            return
        origin = request.headers.get("Origin", "")
        if EVERY in origins:
            response.headers["Access-Control-Allow-Origin"] = EVERY
        else:
            response.headers.add("Vary", "Origin")
            if origin not in origins:
                return
            response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED

    async def preflight(_request: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=_ASKED)

    app.on_response_prepare.append(marked)
    app.router.add_route("OPTIONS", "/v1/{rest:.*}", preflight)
