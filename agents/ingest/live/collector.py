"""Runs a live source until it is told to stop: connects, goes on where it stopped, connects again when cut off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import structlog
from aiohttp import ClientResponseError

from agents.ingest.kafka import KafkaAwayError
from agents.ingest.live.answers import asked_s
from agents.ingest.live.backoff import Backoff
from agents.ingest.live.contract import FEED_ERRORS, FeedError, Source
from agents.ingest.live.metrics import CollectMetrics, Lost
from agents.ingest.live.session import Session
from agents.ingest.live.state import State
from agents.ingest.publisher import Publisher
from agents.ingest.tally import Tally

FINISH_S = 2.5
"""What is under way at the end may take so long; closing Kafka takes at most another second."""
SHOWN_CHARS = 200
log = structlog.get_logger()
Publishing = Callable[[Tally], AbstractAsyncContextManager[Publisher]]


@dataclass(slots=True)
class Collector:
    """Collects from `source` into Kafka; `publishing` gives a connected publisher or raises KafkaAwayError."""

    source: Source
    state: State
    publishing: Publishing
    metrics: CollectMetrics
    now_ms: Callable[[], int]
    max_future_skew_s: float
    feed_backoff: Backoff = field(default_factory=Backoff)
    kafka_backoff: Backoff = field(default_factory=Backoff)
    tally: Tally = field(default_factory=Tally)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Return when the feed is over, or within 4 s of `stop`; what was not acknowledged by then is read again."""
        working = asyncio.ensure_future(self._work())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self._ending.set()
            await asyncio.wait({working}, timeout=FINISH_S)
        finally:
            stopping.cancel()
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work(self) -> None:
        """Collect until the feed is over or the end; while Kafka is away, wait and begin anew at the cursor."""
        over = False
        while not (over or self._ending.is_set()):
            try:
                async with self.publishing(self.tally) as publisher:
                    self.kafka_backoff.succeeded()
                    over = await self._fed(publisher)
            except KafkaAwayError as error:
                self.metrics.lost[Lost.KAFKA].inc()
                await self._pause("kafka away", error, self.kafka_backoff.pause_s())

    async def _fed(self, publisher: Publisher) -> bool:
        """Return whether the feed is over; connect to it as often as it takes."""
        while not self._ending.is_set():
            session = Session(self.source, self.state, publisher, self.metrics, self.now_ms, self.max_future_skew_s)
            try:
                return await session.run(self.feed_backoff.attempt, self._ending, self.feed_backoff.succeeded)
            except FEED_ERRORS as error:
                self.metrics.lost[Lost.FEED].inc()
                await self._pause("feed lost", error, self.feed_backoff.pause_s(_asked_s(error)))
        return False

    async def _pause(self, event: str, error: BaseException, pause_s: float) -> None:
        text = str(error) or type(error).__name__
        log.warning(event, error=text[:SHOWN_CHARS], again_in_s=round(pause_s, 1))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), pause_s)


def _asked_s(error: BaseException) -> float:
    """Return how long the server asked us to stay away, 0 when it did not say."""
    if isinstance(error, FeedError):
        return error.wait_s
    if isinstance(error, ClientResponseError) and error.headers is not None:
        return asked_s(error.headers)
    return 0.0
