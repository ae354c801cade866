"""Frames that are posted: every answer is a promise, and what a stranger can cost is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import ClientSession

from agents.ingest.live import inbox
from agents.ingest.live.contract import Frame
from agents.ingest.live.inbox import MOST_AT_ONCE, Desk, Inbox
from deploy.local import ports
from schemas.errors import BadSettingError

MOST_BYTES = 1_000
Judge = Callable[[asyncio.Future[None]], object]


def _framed(headers: Mapping[str, str], body: bytes) -> bytes | None:
    return body if headers.get("X-Signed") else None


def _inbox() -> Inbox:
    return Inbox("127.0.0.1", ports.pick(), MOST_BYTES, [Desk("/in", _framed, b"stranger")])


@asynccontextmanager
async def _open(judge: Judge) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Give the address of an inbox whose senders `judge` answers, and the frames that came."""
    box, came, listening = _inbox(), list[bytes](), asyncio.Event()

    async def read(frames: AsyncGenerator[Frame, None]) -> None:
        async with aclosing(frames):
            async for frame in frames:
                came.append(frame.raw)
                if frame.taken is not None:
                    judge(frame.taken)

    reading = asyncio.ensure_future(read(box.frames()))
    url = f"http://127.0.0.1:{box.port}/in"
    try:
        while not listening.is_set():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", box.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                listening.set()
        yield url, came
    finally:
        reading.cancel()
        await asyncio.wait({reading})


async def _posted(url: str, body: bytes, *, signed: bool = True) -> int:
    async with (
        ClientSession() as session,
        session.post(url, data=body, headers={"X-Signed": "1"} if signed else {}) as answer,
    ):
        return answer.status


async def test_the_answer_is_what_became_of_the_frame() -> None:
    """202 only once it is safe; 503 tells the sender to come again."""
    async with _open(lambda taken: taken.set_result(None)) as (url, came):
        assert await _posted(url, b"a") == 202
        assert await _posted(url, b"b", signed=False) == 401
        assert await _posted(url, b"c" * (MOST_BYTES + 1)) == 413
    assert came == [b"a", b"stranger"]
    async with _open(lambda taken: taken.cancel()) as (url, _):
        assert await _posted(url, b"a") == 503


async def test_a_sender_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub hangs up after ten seconds; what it then believes must be what is so."""
    monkeypatch.setattr(inbox, "ANSWER_LIMIT_S", 0.05)
    async with _open(lambda _: None) as (url, _):
        assert await _posted(url, b"a") == 503


async def test_a_crowd_is_turned_away_and_not_held_in_memory() -> None:
    """Each post may be 25 MB."""
    waiting: list[asyncio.Future[None]] = []
    async with _open(waiting.append) as (url, _):
        crowd = [asyncio.ensure_future(_posted(url, b"a")) for _ in range(MOST_AT_ONCE)]
        while len(waiting) < MOST_AT_ONCE:  # noqa: ASYNC110 - the list tells nobody
            await asyncio.sleep(0.01)
        assert await _posted(url, b"one more") == 503
        for taken in waiting:
            taken.set_result(None)
        assert await asyncio.gather(*crowd) == [202] * MOST_AT_ONCE


async def test_a_taken_port_is_told() -> None:
    """The remedy is an option."""
    box = _inbox()
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", box.port)
    async with server, aclosing(box.frames()) as frames:
        with pytest.raises(BadSettingError, match="--port"):
            await anext(frames)
