"""One file into Kafka: read ahead, keep the pace, publish, flush, and tell how far all is acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from agents.ingest.formats.opening import SourceError
from agents.ingest.outcomes import Outcome, Outcomes
from agents.ingest.pace import Rhythm
from agents.ingest.publisher import Publisher
from agents.ingest.reading import ahead

PUSH_EVERY_S = 0.1
REACHED_EVERY_S = 1.0
Reached = Callable[[int], None]


def _nobody(_: int) -> None:
    """Tell nobody."""


async def publish_all(
    outcomes: Outcomes,
    publisher: Publisher,
    pace: Rhythm,
    stop: asyncio.Event,
    progress: Callable[[], None],
    reached: Reached = _nobody,
) -> None:
    """Publish every outcome, or those before `stop`; return when Kafka has acknowledged them.

    `progress` is called after every part; `reached` about once a second, and at the end, with how many of the
    outcomes are acknowledged, all before them too. Raises KafkaAwayError, and what the reader raises after what was
    read before it is safely sent.
    """
    pushing = _Pushing(publisher, reached)
    try:
        async with aclosing(ahead(outcomes, stop)) as blocks:
            async for block in blocks:
                async for part in pace.parts(block, stop):
                    if stop.is_set():
                        break
                    await pushing.publish(part, at_once=pace.may_pause)
                    progress()
    except SourceError:
        await pushing.settle()
        raise
    await pushing.settle()
    progress()


def after(outcomes: Outcomes, count: int) -> Iterator[list[Outcome]]:
    """Yield blocks without the first `count` outcomes."""
    for block in outcomes:
        if count < len(block):
            yield block[count:] if count else block
        count = max(0, count - len(block))


@dataclass(slots=True)
class _Pushing:
    """Publishes, sends batches that are not full once they have waited long enough, and settles now and then."""

    publisher: Publisher
    reached: Reached
    published: int = 0
    pushed_at: float = 0.0
    settled_at: float = field(default_factory=time.monotonic)

    async def publish(self, part: list[Outcome], *, at_once: bool) -> None:
        await self.publisher.publish(part)
        self.published += len(part)
        now = time.monotonic()
        if at_once or now - self.pushed_at > PUSH_EVERY_S:
            await self.publisher.push()
            self.pushed_at = now
        if now - self.settled_at > REACHED_EVERY_S:
            await self.settle()

    async def settle(self) -> None:
        await self.publisher.flush()
        self.settled_at = time.monotonic()
        self.reached(self.published)
