"""The page for people: fixed files from this package, under rules that let nothing foreign run.

Nothing of a request ever stands in them; what a page shows it gets from the API and puts in as text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

from agents.http.problems import Handler
from agents.web.conditional import fresh

FOLDER: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
START: Final = "index.html"
_RULES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(_RULES),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def add_page(app: web.Application) -> None:
    """Serve the start page at / and every other file of the folder at /static/."""
    for path in sorted(FOLDER.iterdir()):
        app.router.add_get("/" if path.name == START else f"/static/{path.name}", _file(path))


def _file(path: Path) -> Handler:
    body, kind = path.read_bytes(), TYPES[path.suffix]

    async def handler(request: web.Request) -> web.StreamResponse:
        return fresh(request, body, kind, dict(_HEADERS))

    return handler
