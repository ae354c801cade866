"""Trying again while Redis is away: capped pauses, one log line when it goes and one when it comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from agents.redis_connection import redis_refusal
from agents.scoring.metrics import ScoringMetrics

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
T = TypeVar("T")
_PASSING = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError, OSError)
_PASSING_REPLIES = (
    "OOM",
    "MISCONF",
    "LOADING",
    "BUSY",
    "MASTERDOWN",
    "READONLY",
    "NOREPLICAS",
    "CLUSTERDOWN",
)
log = structlog.get_logger()


class StoppedError(Exception):
    """The agent was told to stop while it waited for Redis."""


def is_passing(error: BaseException) -> bool:
    """Whether waiting may cure the error: an outage does pass, a bug in our script or a wrong password does not."""
    if redis_refusal(error, "") is not None:
        return False  # connection errors by class, but only an operator can cure them
    if isinstance(error, ResponseError) and not isinstance(error, (OutOfMemoryError, ReadOnlyError)):
        return any(word in str(error)[:200] for word in _PASSING_REPLIES)
    return isinstance(error, _PASSING)


class Patience:
    """Runs calls on Redis until they succeed or `stop` is set."""

    def __init__(self, stop: asyncio.Event, metrics: ScoringMetrics) -> None:
        self._stop = stop
        self._metrics = metrics
        self._away_since: float | None = None

    async def until_done(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, calling it again after every passing failure; StoppedError on stop."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                result = await call()
            except (RedisError, OSError) as error:
                if not is_passing(error):
                    raise
                self._went(error)
            else:
                self._came_back()
                return result
            await self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise StoppedError

    def _went(self, error: BaseException) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            self._metrics.redis_up.set(0)
            log.warning("redis away, scores wait in kafka", error=str(error)[:200])

    def _came_back(self) -> None:
        if self._away_since is not None:
            log.info("redis back", away_s=round(time.monotonic() - self._away_since, 1))
            self._away_since = None
        self._metrics.redis_up.set(1)
