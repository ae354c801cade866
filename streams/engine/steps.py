"""A step: one Faust agent over whole chunks of one topic, each applied exactly once to its partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import BrokenGuaranteeError
from streams.engine.chunk import Chunk
from streams.engine.crashpoints import reach
from streams.engine.partition import Partition

if TYPE_CHECKING:
    from streams.engine.engine import Engine

Apply = Callable[[Partition, Chunk], None]
Prepare = Callable[[Partition, Chunk], Awaitable[None]]
After = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """`prepare` may await (and read the log, say); `apply` must not; `after` is where back-pressure waits."""

    engine: Engine
    name: str
    apply: Apply
    prepare: Prepare | None = None
    after: After | None = None

    async def run(self, stream: Any) -> None:
        """Handle chunks until the stream ends; ends the worker on the first error."""
        try:
            async for event in stream.noack().events():
                await self._handle(stream, event)
        except Exception as error:
            self.engine.fail(error)
            raise

    async def _handle(self, stream: Any, event: Any) -> None:
        chunk, tp, consumer = event.value, event.message.tp, self.engine.consumer
        owned = self.engine.owned(chunk)
        if self.prepare is not None and owned is not None and consumer.is_fresh(chunk):
            await self.prepare(owned, chunk)
        if not consumer.take(tp, chunk):
            self.engine.metrics.stale_chunk(self.name)
            return
        self._apply(chunk)
        reach("step_applied")
        await stream.ack(event)
        await asyncio.sleep(0)
        if self.after is not None:
            await self.after()
        await self.engine.settle(chunk.partition)

    def _apply(self, chunk: Chunk) -> None:
        partition = self.engine.owned(chunk)
        if partition is None:
            message = f"{chunk!r} was delivered to a worker that does not own its users"
            raise BrokenGuaranteeError(message)
        if not len(chunk):
            return
        started = time.perf_counter()
        self.apply(partition, chunk)
        self.engine.metrics.chunk(self.name, len(chunk), time.perf_counter() - started)
