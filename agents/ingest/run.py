"""One file into Kafka: read ahead, keep the pace, publish, flush."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from agents.ingest.formats.opening import SourceError
from agents.ingest.outcomes import Outcome, Outcomes
from agents.ingest.publisher import Publisher
from agents.ingest.reading import ahead

PUSH_EVERY_S = 0.1
SLICE_EVENTS = 1_000
SLICES_PER_S = 20


@dataclass(slots=True)
class Pace:
    """Keeps a rate of events a second by pausing; None means as fast as Kafka takes them."""

    rate: float | None
    _due: float | None = None

    def slice_events(self) -> int:
        """Return how many events may go in one go."""
        return SLICE_EVENTS if self.rate is None else max(1, min(SLICE_EVENTS, int(self.rate / SLICES_PER_S)))

    async def spent(self, events: int) -> None:
        """Wait until `events` more fit into the rate."""
        if self.rate is None:
            await asyncio.sleep(0)
            return
        now = time.monotonic()
        self._due = max(self._due or now, now - 1.0) + events / self.rate
        await asyncio.sleep(max(0.0, self._due - now))


async def publish_all(
    outcomes: Outcomes, publisher: Publisher, pace: Pace, stop: asyncio.Event, progress: Callable[[], None]
) -> None:
    """Publish every outcome, or those before `stop`; return when Kafka has acknowledged them.

    `progress` is called after every slice. Raises KafkaAwayError, and what the reader raises after what was
    read before it is safely sent.
    """
    pushing = _Pushing(publisher)
    try:
        async with aclosing(ahead(outcomes, stop)) as blocks:
            async for block in blocks:
                for part in _slices(block, pace.slice_events()):
                    await pushing.publish(part)
                    progress()
                    await pace.spent(len(part))
                    if stop.is_set():
                        break
    except SourceError:
        await publisher.flush()
        raise
    await publisher.flush()
    progress()


@dataclass(slots=True)
class _Pushing:
    """Publishes, and sends batches that are not full once they have waited long enough."""

    publisher: Publisher
    pushed_at: float = 0.0

    async def publish(self, part: list[Outcome]) -> None:
        await self.publisher.publish(part)
        if time.monotonic() - self.pushed_at > PUSH_EVERY_S:
            await self.publisher.push()
            self.pushed_at = time.monotonic()


def _slices(block: list[Outcome], size: int) -> Iterator[list[Outcome]]:
    for at in range(0, len(block), size):
        yield block[at : at + size]
