"""Fewer words from aiokafka, which repeats itself hundreds of times a second while a broker is away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

QUIET_S: Final = 30.0
MOST_LINES: Final = 1000


class OnceInAWhile(logging.Filter):
    """Lets a line through unless the same one passed within `quiet_s` seconds."""

    def __init__(self, quiet_s: float = QUIET_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing said."""
        super().__init__()
        self._quiet_s = quiet_s
        self._clock = clock
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to say it now."""
        line, now = (record.name, record.getMessage()), self._clock()
        if now - self._said_at.get(line, -self._quiet_s) < self._quiet_s:
            return False
        if len(self._said_at) >= MOST_LINES:
            self._said_at.clear()
        self._said_at[line] = now
        return True


_FILTER: Final = OnceInAWhile()


def quieten() -> None:
    """Put the filter on every logger that aiokafka has made so far; once, however often it is called.

    Below WARNING aiokafka spells out every request, which costs a twentieth of a worker's time.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "aiokafka":
            logger = logging.getLogger(name)
            logger.addFilter(_FILTER)
            logger.setLevel(max(logger.level, logging.WARNING))
