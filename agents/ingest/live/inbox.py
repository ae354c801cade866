"""Frames that are posted to us: a small server that answers each once Kafka has acknowledged it.

202 taken, 400 torn off, 401 not signed as it should be, 408 too slow, 413 too large, 503 too busy or not acknowledged
in time: send the same again. Nothing is parsed before the signature is checked, and at most
MOST_AT_ONCE bodies are in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

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


@dataclass(slots=True)
class Inbox:
    """Listens on `host`:`port` for POST `path`; `framed` gives the frame of headers and body, None = not authentic.

    For what is not authentic `stranger` is read as a frame, so that it is counted.
    """

    host: str
    port: int
    path: str
    most_bytes: int
    framed: Framed
    stranger: bytes
    _queue: asyncio.Queue[Frame] = field(default_factory=lambda: asyncio.Queue(MOST_AT_ONCE))
    _busy: int = 0

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Yield what is posted while it listens; BadSettingError when it cannot."""
        app = web.Application(client_max_size=self.most_bytes)
        app.router.add_post(self.path, self._post)
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
        log.info("listening", host=self.host, port=self.port, path=self.path)

    async def _post(self, request: web.Request) -> web.Response:
        if self._busy >= MOST_AT_ONCE:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
        self._busy += 1
        try:
            return _answer(await self._taken(request))
        finally:
            self._busy -= 1

    async def _taken(self, request: web.Request) -> HTTPStatus:
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                body = await request.read()
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        except (web.RequestPayloadError, ConnectionError):
            return HTTPStatus.BAD_REQUEST
        raw = self.framed(request.headers, body)
        if raw is None:
            if not self._queue.full():
                self._queue.put_nowait(Frame(self.stranger))
            return HTTPStatus.UNAUTHORIZED
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._queue.put(Frame(raw, taken))
                await asyncio.wait({taken})
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.SERVICE_UNAVAILABLE if taken.cancelled() else HTTPStatus.ACCEPTED


def _cancelled(frame: Frame) -> None:
    if frame.taken is not None:
        frame.taken.cancel()


def _answer(status: HTTPStatus) -> web.Response:
    again = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return web.Response(status=status, headers=again)
