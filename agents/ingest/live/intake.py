"""Frames read ahead of publishing, a bounded number of them: a slow Kafka slows the feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from agents.ingest.live.contract import Frame

MOST_WAITING = 256


class _End:
    """The feed's end, with the failure that ended it."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure


class Intake:
    """Reads `frames` in a task while it is open; closing it closes the connection."""

    def __init__(self, frames: AsyncGenerator[Frame, None]) -> None:
        self._frames = frames
        self._queue: asyncio.Queue[Frame | _End] = asyncio.Queue(MOST_WAITING)
        self._end: _End | None = None

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._reading = asyncio.get_running_loop().create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End reading; frames nobody took are cancelled, so that their senders are told."""
        self._reading.cancel()
        await asyncio.wait({self._reading})
        while not self._queue.empty():
            frame = self._queue.get_nowait()
            if isinstance(frame, Frame) and frame.taken is not None:
                frame.taken.cancel()

    async def block(self, wait_s: float) -> list[Frame] | None:
        """Return the frames that are there, waiting `wait_s` for a first one; None at the feed's end.

        Raises what ended the connection, after all frames before it were returned.
        """
        if self._end is None and self._queue.empty():
            try:
                async with asyncio.timeout(wait_s):
                    first = await self._queue.get()
            except TimeoutError:
                return []
            return self._sorted_out([first, *self._waiting()])
        return self._sorted_out(self._waiting())

    def _waiting(self) -> list[Frame | _End]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    def _sorted_out(self, found: list[Frame | _End]) -> list[Frame] | None:
        frames = [each for each in found if isinstance(each, Frame)]
        self._end = next((each for each in found if isinstance(each, _End)), self._end)
        if frames or self._end is None:
            return frames
        if self._end.failure is not None:
            raise self._end.failure
        return None

    async def _read(self) -> None:
        end = _End()
        try:
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    await self._queue.put(frame)
        except Exception as failure:  # noqa: BLE001 - carried over to the collector, which raises it
            end = _End(failure)
        await self._queue.put(end)
