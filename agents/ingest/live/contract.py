"""What a live source is: raw frames in, engagements or refusals out, and a cursor from which it can go on.

A source is one file in `agents/sources`, whose class (a frozen dataclass named by `SOURCE`) has the shape of
`Source`. Its fields, made by `option` and `argument`, become those of `renown collect <source>`. Everything else is the
collector's work: Kafka, dead letters, the durable cursor, reconnecting, metrics, the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple, Protocol

import aiohttp

from agents.ingest.outcomes import Outcome
from schemas.errors import RenownError


class FeedError(RenownError):
    """The feed broke off or turned us away: the collector connects again, after at least `wait_s` seconds."""

    def __init__(self, text: str, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.wait_s = wait_s


FEED_ERRORS = (FeedError, aiohttp.ClientError, OSError)
"""What ends one connection and not the collector; time-outs are among them."""


class Broker(NamedTuple):
    """The pipeline's own Kafka: what a source gets that has a field `broker`."""

    bootstrap: str
    security: Mapping[str, Any]


class Frame(NamedTuple):
    """One message as the feed sent it.

    `taken`, where a sender waits for an answer, gets its result once all of the frame is acknowledged by Kafka,
    and is cancelled when that will not happen.
    """

    raw: bytes
    taken: asyncio.Future[None] | None = None


class Reading(NamedTuple):
    """What a frame says.

    `cursor` is where to go on after it, None = it does not move; `at_ms` is the feed's own instant of the frame.
    """

    outcomes: Sequence[Outcome] = ()
    cursor: str | None = None
    at_ms: int | None = None


class Memory(Protocol):
    """What a source remembers beyond a restart: bounded, the oldest is forgotten first."""

    def keep(self, key: str, value: bytes) -> None:
        """Remember `value`; what is kept under `key` already stays."""

    def kept(self, key: str) -> bytes | None:
        """Return what was kept under `key`, None = nothing, or forgotten."""


class Forgetful:
    """A memory that holds nothing: a refused frame that is tried again is read by itself."""

    def keep(self, key: str, value: bytes) -> None:
        """Forget at once."""

    def kept(self, key: str) -> bytes | None:  # noqa: ARG002 - it holds nothing
        """Return None."""
        return None


class Source(Protocol):
    """A live source. `read` is a function of the frame and the memory, so the same act has the same id always.

    May also have `remember`, how many acts its memory holds; `continuous_s`, longer than which its feed is never
    silent, so that a gap is noticed; `broker`, which is given to it; and `example`, its command.
    """

    @property
    def feed(self) -> str:
        """What is read, so that a cursor is never taken to another feed; the same for hosts with the same cursors."""

    def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:
        """Yield the frames after `cursor` (None = from now), of one connection.

        It may begin before the cursor: repeats are harmless, gaps are not. Raises one of FEED_ERRORS when the
        connection ends; returns only when the feed itself is over. `attempt` counts failures: choose a host by it.
        """

    def read(self, raw: bytes, memory: Memory) -> Reading:
        """Return what one frame says; never raises for what it holds."""


def option(default: Any, meaning: str, *, at_least: float | None = None) -> Any:
    """Return a dataclass field that is an option of the command; a tuple may be given several times."""
    return field(default=default, metadata={"meaning": meaning, "at_least": at_least, "is_argument": False})


def argument(meaning: str) -> Any:
    """Return a dataclass field, a tuple, that is what stands after the command's name, at least once."""
    return field(default=(), metadata={"meaning": meaning, "at_least": None, "is_argument": True})
