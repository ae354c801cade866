"""The server under our handlers: what a connection may cost before a handler sees it."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

SHUTDOWN_S: Final = 10.0
LINGER_S: Final = 1.0
"""A body that nobody wants is read so long, for the sender to see the answer."""
MAX_LINE_BYTES: Final = 4_096
MAX_FIELD_BYTES: Final = 4_096
MAX_FIELDS: Final = 64
LOGGER: Final = logging.getLogger("renown.http")


def runner_of(app: web.Application, idle_s: float) -> web.AppRunner:
    """Return a runner whose connections are held to limits on lines, headers and idleness.

    `idle_s` counts from the connection or the last answer to the whole headers of the next request, however
    many bytes drip in. Bodies are inflated by ours, not by aiohttp, which would inflate what it discards, too.
    """
    LOGGER.addFilter(_keeps_headers_out)
    return web.AppRunner(
        app,
        access_log=None,
        logger=LOGGER,
        auto_decompress=False,
        keepalive_timeout=idle_s,
        lingering_time=LINGER_S,
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_FIELD_BYTES,
        max_headers=MAX_FIELDS,
        shutdown_timeout=SHUTDOWN_S,
    )


async def unnamed(_request: web.Request, response: web.StreamResponse) -> None:
    """Keep the versions of what we are built from to ourselves; a signal of aiohttp's `on_response_prepare`."""
    response.headers["Server"] = "renown"


def _keeps_headers_out(record: logging.LogRecord) -> bool:
    """Return whether the record may be logged: aiohttp quotes headers that it cannot read, and a key may be in them."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
