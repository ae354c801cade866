"""Frames that are posted to us: a small server that answers each once Kafka has acknowledged it.

2xx taken, 400 torn off, 401 not signed as it should be, 403 asked by a stranger, 408 too slow, 413 too large, 503 too
busy or not acknowledged in time: send the same again. Nothing is parsed before the signature is checked, and at most
MOST_AT_ONCE bodies are in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, NamedTuple

import structlog
from aiohttp import web

from agents.ingest.live.contract import Frame
from schemas.errors import BadSettingError

MOST_AT_ONCE: Final = 16
BODY_LIMIT_S: Final = 5.0
ANSWER_LIMIT_S: Final = 8.0
"""GitHub waits ten seconds and does not try again by itself."""
END_S: Final = 0.5
log = structlog.get_logger()
Framed = Callable[[Mapping[str, str], bytes], bytes | None]


class Answer(NamedTuple):
    """What is answered at once, without a frame."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes POST `path`; `framed` gives the frame of headers and body, None = not authentic.

    For what is not authentic `stranger` is read as a frame, so that it is counted. `by_body` gives what an authentic
    body is answered with at once, None = it is to be taken; `by_query` the same for a GET, None = a stranger's.
    """

    path: str
    framed: Framed
    stranger: bytes
    taken: HTTPStatus = HTTPStatus.ACCEPTED
    by_body: Callable[[bytes], Answer | None] | None = None
    by_query: Callable[[Mapping[str, str]], Answer | None] | None = None


@dataclass(slots=True)
class Inbox:
    """Listens on `host`:`port` for what is posted to its desks."""

    host: str
    port: int
    most_bytes: int
    desks: Sequence[Desk]
    _queue: asyncio.Queue[Frame] = field(default_factory=lambda: asyncio.Queue(MOST_AT_ONCE))
    _busy: int = 0

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Yield what is posted while it listens; BadSettingError when it cannot."""
        app = web.Application(client_max_size=self.most_bytes)
        for desk in self.desks:
            app.router.add_post(desk.path, partial(self._post, desk))
            if desk.by_query is not None:
                app.router.add_get(desk.path, partial(_got, desk))
        runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=END_S)
        await runner.setup()
        try:
            await self._listen(runner)
            while True:
                yield await self._queue.get()
        finally:
            while not self._queue.empty():
                _cancelled(self._queue.get_nowait())
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError as error:
            place = f"{self.host}:{self.port}"
            raise BadSettingError(
                "--port", place, f"cannot be listened on ({error.strerror}); choose another"
            ) from error
        log.info("listening", host=self.host, port=self.port, paths=[desk.path for desk in self.desks])

    async def _post(self, desk: Desk, request: web.Request) -> web.Response:
        if self._busy >= MOST_AT_ONCE:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
        self._busy += 1
        try:
            return await self._answered(desk, request)
        finally:
            self._busy -= 1

    async def _answered(self, desk: Desk, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                body = await request.read()
        except TimeoutError:
            return _answer(HTTPStatus.REQUEST_TIMEOUT)
        except (web.RequestPayloadError, ConnectionError):
            return _answer(HTTPStatus.BAD_REQUEST)
        raw = desk.framed(request.headers, body)
        if raw is None:
            if not self._queue.full():
                self._queue.put_nowait(Frame(desk.stranger))
            return _answer(HTTPStatus.UNAUTHORIZED)
        if desk.by_body is not None and (answer := desk.by_body(body)) is not None:
            return web.Response(body=answer.body, content_type=answer.content_type)
        return _answer(desk.taken if await self._taken(raw) else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _taken(self, raw: bytes) -> bool:
        """Return whether Kafka has acknowledged the frame in time."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._queue.put(Frame(raw, taken))
                await asyncio.wait({taken})
        except TimeoutError:
            return False
        return not taken.cancelled()


async def _got(desk: Desk, request: web.Request) -> web.Response:
    answer = desk.by_query(request.query) if desk.by_query is not None else None
    if answer is None:
        return _answer(HTTPStatus.FORBIDDEN)
    return web.Response(body=answer.body, content_type=answer.content_type)


def _cancelled(frame: Frame) -> None:
    if frame.taken is not None:
        frame.taken.cancel()


def _answer(status: HTTPStatus) -> web.Response:
    again = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return web.Response(status=status, headers=again)
