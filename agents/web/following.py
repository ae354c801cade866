"""Sees commands obeyed: one look for all who wait, and credits cleared even when nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from agents.departures import see
from schemas.errors import RenownError
from streams.settings import Settings

LOOK_S: Final = 60.0
AGAIN_S: Final = 10.0
"""Between looks that did not see it: workers may be away for hours."""
END_S: Final = 3.0
"""How long clients may take to close before they are cancelled."""
log = structlog.get_logger()


class _EndingError(RenownError):
    """The server stops: clients are closed in order, which cancelling aiokafka amid a connection would not."""


@dataclass(slots=True)
class Following:
    """Follows the newest command: they stand in one partition and are obeyed in order, so all before it are, too.

    What a server that ends has not seen, whoever departs next clears away.
    """

    settings: Settings
    _newest: int = field(default=-1, init=False)
    _joins: bool = field(default=False, init=False)
    _seen: int = field(default=-1, init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _ending: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def follow(self, offset: int, *, joins: bool = False) -> None:
        """See the command at `offset` obeyed, in the background; with `joins` also what it moves arrive."""
        self._newest = max(self._newest, offset)
        self._joins |= joins
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def has_seen(self, offset: int, wait_s: float) -> bool:
        """Return whether the command at `offset` was obeyed everywhere within `wait_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while self._seen < offset and not self._ending.is_set():
                    await self._changed.wait()
        return self._seen >= offset

    async def end(self) -> None:
        """Follow nothing any more; who waits is told what was seen."""
        self._ending.set()
        self._wake()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=END_S)
            self._task.cancel()

    async def _run(self) -> None:
        while self._seen < self._newest and not self._ending.is_set():
            newest = self._newest
            try:
                await see(self.settings, newest, LOOK_S, self._go_on, joins=self._joins)
            except _EndingError:
                return
            except (RenownError, KafkaError, OSError) as error:
                log.warning("departures are not obeyed yet", error=f"{error!s:.200}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), AGAIN_S)
            else:
                self._seen = newest
                self._wake()

    def _go_on(self, _left: str) -> None:
        if self._ending.is_set():
            raise _EndingError

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
