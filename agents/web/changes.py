"""`GET /v1/changes`: server-sent events of one user's score or of a leaderboard.

The first event is the state as it is, each further one a newer state. `id` is the state's tag: who comes back with
Last-Event-ID hears only what is newer. Who reads too slowly gets the newest state, not a queue of old ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

from agents.access.key import Purpose
from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.lookup.documents import score_document
from agents.web import queries
from agents.web.metrics import WebMetrics
from agents.web.scores import Scores
from agents.web.watches import Look, Watch, Watches

HEARTBEAT_S: Final = 15.0
"""Longest silence: proxies close what is silent."""
PRESENCE_S: Final = 1.0
"""How long a stream whose reader has left may hold its place."""
WRITE_S: Final = 30.0
RETRY_AFTER_S: Final = 5
_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class UserGone(msgspec.Struct, frozen=True):
    """A user without a score: none yet, or the user has left."""

    user: str


@dataclass(slots=True)
class Changes:
    """Streams over `scores`, at most `most` at once."""

    scores: Scores
    metrics: WebMetrics
    most: int
    watches: Watches = field(default_factory=Watches)
    _open: set[asyncio.Task[Any]] = field(default_factory=set, init=False)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Send changes until the reader leaves or the server stops."""
        query = queries.asked(request, queries.ChangesQuery)
        self.scores.admit(request, 1 if query.user else query.limit)
        subject, look = self._subject(query)
        if len(self._open) >= self.most:
            raise _busy(f"{self.most} streams are open, which is all; try again later")
        if query.user is None and not self.watches.has_room_for(subject):
            raise _busy("other leaderboards are followed as many as may be; try again later")
        task = asyncio.current_task()
        assert task is not None, "handlers run in tasks"
        self._open.add(task)
        self.metrics.streams.set(len(self._open))
        try:
            async with self.watches.watching(subject, look) as watch:
                return await _sent(request, watch, lambda: self._is_welcome(request))
        finally:
            self._open.discard(task)
            self.metrics.streams.set(len(self._open))

    def end(self) -> None:
        """End every stream: readers come back by themselves, to whoever serves then."""
        for task in list(self._open):
            task.cancel()

    def _is_welcome(self, request: web.Request) -> bool:
        """Return whether the reader's key still opens this: a stream outlives its request's check by days."""
        try:
            self.scores.reception.caller(request, Purpose.READ)
        except ProblemError:
            return False
        return True

    def _subject(self, query: queries.ChangesQuery) -> tuple[Hashable, Look]:
        if query.user is None:
            return query, lambda: self._board(query)
        if query.network is not None:
            raise queries.BadQueryError("user and network: send one of them")
        user = queries.valid_user(query.user)
        return user, lambda: self._user(user)

    async def _user(self, user: str) -> bytes:
        found = await self.scores.reader.score(user)
        return _event("gone", UserGone(user)) if found is None else _event("score", score_document(found))

    async def _board(self, query: queries.ChangesQuery) -> bytes:
        return _event("top", await self.scores.leaderboard(query.network, query.sort, query.limit))


def _busy(detail: str) -> ProblemError:
    again = {"Retry-After": str(RETRY_AFTER_S)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, Fault.BUSY, detail, headers=again)


async def _sent(request: web.Request, watch: Watch, is_welcome: Callable[[], bool]) -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    seen, silent_s = request.headers.get("Last-Event-ID", ""), 0.0
    try:
        while not _has_left(request):
            try:
                async with asyncio.timeout(PRESENCE_S):
                    state = await watch.newer_than(seen)
                    text, seen = b"id: %b\n%b" % (watch.tag.encode(), state), watch.tag
            except TimeoutError:
                silent_s += PRESENCE_S
                if silent_s < HEARTBEAT_S:
                    continue
                text = b": still here\n\n"
            if not is_welcome():
                break
            silent_s = 0.0
            async with asyncio.timeout(WRITE_S):
                await response.write(text)
    except (ConnectionError, TimeoutError):
        response.force_close()  # the reader has gone, or takes nothing any more
    return response


def _has_left(request: web.Request) -> bool:
    """Return whether the reader has closed: nothing else tells while there is nothing to send."""
    return request.transport is None or request.transport.is_closing()


def _event(name: str, document: Any) -> bytes:
    """Return the event without its id; JSON escapes line ends, so that no id of a user ends a field."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(document))
