"""Blocking readers, read ahead in a thread so that the event loop keeps sending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

AHEAD = 2
T = TypeVar("T")


async def ahead(blocks: Iterator[T], stop: asyncio.Event) -> AsyncGenerator[T, None]:
    """Yield the iterator's items, raise what it raises, end early once `stop` is set.

    The thread is a daemon: a pipe on which nothing arrives must not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[T | None, BaseException | None]] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)
    halted = threading.Event()

    def hand_over(item: T | None, error: BaseException | None) -> None:
        if not halted.is_set():
            loop.call_soon_threadsafe(queue.put_nowait, (item, error))

    def work() -> None:
        try:
            for block in blocks:
                room.acquire()
                if halted.is_set():
                    return
                hand_over(block, None)
            hand_over(None, None)
        except BaseException as error:  # noqa: BLE001 - carried over to the consumer, which raises it
            hand_over(None, error)

    threading.Thread(target=work, name="renown-reader", daemon=True).start()
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            getting = asyncio.ensure_future(queue.get())
            await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                return
            block, error = getting.result()
            if error is not None:
                raise error
            if block is None:
                return
            yield block
            room.release()
    finally:
        halted.set()
        room.release()
        stopping.cancel()
