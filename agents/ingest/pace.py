"""How fast a file is sent: as fast as Kafka takes it, at a rate, or in the rhythm in which it was recorded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from agents.ingest.outcomes import Outcome, Ready

SLICE_EVENTS: Final = 1_000
SLICES_PER_S: Final = 20


class Rhythm(Protocol):
    """Gives parts of a block when they are due."""

    @property
    def may_pause(self) -> bool:
        """Whether so much time may pass after a part that it must be sent at once."""

    def parts(self, block: list[Outcome], stop: asyncio.Event) -> AsyncIterator[list[Outcome]]:
        """Yield the block part by part, each when it is due, all at once after `stop`."""


@dataclass(slots=True)
class Pace:
    """Keeps a rate of events a second by pausing; None means as fast as Kafka takes them."""

    rate: float | None
    may_pause: bool = False
    _due: float | None = None

    async def parts(self, block: list[Outcome], stop: asyncio.Event) -> AsyncIterator[list[Outcome]]:  # noqa: ARG002 - pauses are short
        """Yield slices; the next is due when the one before fits into the rate."""
        for part in _slices(block, self.slice_events()):
            yield part
            await self.spent(len(part))

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


@dataclass(slots=True)
class AsRecorded:
    """Keeps the distances in which acts occurred, `speed` times as fast; what comes out of order goes at once."""

    speed: float = 1.0
    may_pause: bool = True
    _first_ms: int | None = None
    _started: float = 0.0

    async def parts(self, block: list[Outcome], stop: asyncio.Event) -> AsyncIterator[list[Outcome]]:
        """Yield what is due within one slice's time together."""
        part: list[Outcome] = []
        horizon = float("-inf")
        for each in block:
            due = self._due(each)
            if due is not None and due > horizon:
                if part:
                    yield part
                await _until(due, stop)
                part, horizon = [], max(due, time.monotonic()) + 1.0 / SLICES_PER_S
            part.append(each)
        yield part

    def _due(self, outcome: Outcome) -> float | None:
        """Return when an act is due by the monotonic clock, None = with what is before it."""
        if not isinstance(outcome, Ready):
            return None
        if self._first_ms is None:
            self._first_ms, self._started = outcome.act.occurred_at_ms, time.monotonic()
        return self._started + (outcome.act.occurred_at_ms - self._first_ms) / 1000.0 / self.speed


async def _until(due: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))


def _slices(block: list[Outcome], size: int) -> Iterator[list[Outcome]]:
    for at in range(0, len(block), size):
        yield block[at : at + size]
