"""Engagements into a running pipeline, slice by slice, each scored before the next is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agents.bench.burst import Burst, burst_producer
from agents.drain import drain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.bench.rig import Rig
    from agents.bench.synthetic import Engagements

DRAIN_LIMIT_S: Final = 600.0
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Loading:
    """Sends `size` engagements at a time, so that what waits in queues stays little."""

    running: Rig
    engagements: Engagements
    producer: Any
    size: int

    async def send(self, start: int, stop: int, progress: Progress) -> None:
        """Return when the engagements `start`..`stop` - 1 are scored; BenchError when a process has ended."""
        for first, end in self._slices(start, stop):
            await self._send(first, end)
            progress(end)

    async def _send(self, start: int, stop: int) -> None:
        burst = Burst(self.producer, self.running.settings.topics.engagements.name, self.running.settings.partitions)
        burst.add(self.engagements.records(start, stop))
        await burst.send()
        await drain(self.running.settings, DRAIN_LIMIT_S)
        self.running.check()

    def _slices(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        for at in range(start, stop, self.size):
            yield at, min(stop, at + self.size)


@asynccontextmanager
async def loading(running: Rig, engagements: Engagements, size: int) -> AsyncIterator[Loading]:
    """Yield what sends `engagements` to `running`; its connection is closed afterwards."""
    producer = burst_producer(running.settings.bootstrap)
    await producer.start()
    try:
        yield Loading(running, engagements, producer, size)
    finally:
        await producer.stop()
