"""What live streams look at: each subject is read once in POLL_S for all who watch it, and told when it changed.

Scores reach Redis in the scoring agent's own writes, which announce nothing, so we look. One loop reads all
subjects; its cost grows with subjects, not with watchers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from redis.exceptions import RedisError

from agents.web.conditional import tag_of

POLL_S: Final = 0.5
MOST_BOARDS: Final = 32
"""Different leaderboards at once; users, by their ids, are bounded by the streams alone."""
MOST_READS: Final = 64
"""Subjects read at the same time; users among them share round trips."""
Look = Callable[[], Awaitable[bytes]]
log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Watch:
    """One subject: its newest state as bytes and that state's tag, empty before the first look."""

    look: Look
    state: bytes = b""
    tag: str = ""
    watchers: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def refresh(self) -> None:
        """Look, and wake those who wait if the state is another one."""
        state = await self.look()
        tag = tag_of(state).strip('"')
        if tag != self.tag:
            self.state, self.tag = state, tag
            self._changed.set()
            self._changed = asyncio.Event()

    async def newer_than(self, tag: str) -> bytes:
        """Return the state once it is another one than `tag`'s; who is slow skips those in between."""
        while not self.tag or self.tag == tag:
            await self._changed.wait()
        return self.state


class Watches:
    """All subjects that somebody watches."""

    def __init__(self) -> None:
        self._watches: dict[Hashable, Watch] = {}
        self._reads = asyncio.Semaphore(MOST_READS)

    def has_room_for(self, board: Hashable) -> bool:
        """Return whether a leaderboard may be watched: each is as dear as all its places."""
        boards = sum(not isinstance(subject, str) for subject in self._watches)
        return board in self._watches or boards < MOST_BOARDS

    @asynccontextmanager
    async def watching(self, subject: Hashable, look: Look) -> AsyncIterator[Watch]:
        """Give the watch of `subject`, read now: who joins must not see what is past. Raises what `look` raises."""
        watch = self._watches.get(subject)
        if watch is None:
            watch = self._watches[subject] = Watch(look)
        watch.watchers += 1
        try:
            await watch.refresh()
            yield watch
        finally:
            watch.watchers -= 1
            if watch.watchers == 0 and self._watches.get(subject) is watch:
                del self._watches[subject]

    async def run(self) -> None:
        """Look at everything that is watched, for ever; an outage of Redis is waited out."""
        away = False
        while True:
            await asyncio.sleep(POLL_S)
            found = await asyncio.gather(*map(self._refreshed, list(self._watches.values())))
            if away != (not all(found)):
                away = not away
                log.warning("live changes wait for redis" if away else "live changes go on")

    async def _refreshed(self, watch: Watch) -> bool:
        """Return whether the look succeeded."""
        with contextlib.suppress(RedisError, OSError):
            async with self._reads:
                await watch.refresh()
            return True
        return False
