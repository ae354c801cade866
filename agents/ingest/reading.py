"""Blocking readers, read ahead in a thread so that the event loop keeps sending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Generic, TypeVar

AHEAD = 2
T = TypeVar("T")


async def ahead(blocks: Iterator[T], stop: asyncio.Event) -> AsyncGenerator[T, None]:
    """Yield the iterator's items, raise what it raises, end early once `stop` is set."""
    reader = _Reader(blocks)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            getting = asyncio.ensure_future(reader.queue.get())
            await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                return
            block = getting.result()
            if isinstance(block, _End):
                block.raise_failure()
                return
            yield block
            reader.room.release()
    finally:
        reader.halt()
        stopping.cancel()


class _End:
    """The iterator's end, with the failure that ended it."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self._failure = failure

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class _Reader(Generic[T]):
    """Reads in a daemon thread: a pipe on which nothing arrives must not keep the process from ending."""

    def __init__(self, blocks: Iterator[T]) -> None:
        self.queue: asyncio.Queue[T | _End] = asyncio.Queue()
        self.room = threading.Semaphore(AHEAD)
        self._blocks = blocks
        self._loop = asyncio.get_running_loop()
        self._halted = False
        threading.Thread(target=self._work, name="renown-reader", daemon=True).start()

    def halt(self) -> None:
        """Let the thread end at its next block."""
        self._halted = True
        self.room.release()

    def _work(self) -> None:
        try:
            for block in self._blocks:
                self.room.acquire()
                if self._halted:
                    return
                self._hand_over(block)
            self._hand_over(_End())
        except BaseException as failure:  # noqa: BLE001 - carried over to the consumer, which raises it
            self._hand_over(_End(failure))

    def _hand_over(self, item: T | _End) -> None:
        if not self._halted:
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
