"""Logs: an event name and fields, one line each, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from schemas.printing import printable


def set_up(*, json: bool = False, level: int = logging.INFO) -> None:
    """Route Renown's events and the libraries' warnings to standard error, as text or as JSON lines."""
    last = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _escaped, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=form)


def _escaped(_logger: Any, _method: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return the fields with texts such that no id or error that quotes one can move a terminal's cursor."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}
