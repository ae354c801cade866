"""A feed of numbers and a publisher that keeps what it is given: what the rules of sessions are asked with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from agents.ingest.kafka import KafkaAwayError
from agents.ingest.live.contract import FeedError, Frame, Memory, Reading
from agents.ingest.outcomes import Outcome
from agents.ingest.tally import Tally

NOW_MS = 1_790_000_000_000


class Numbers:
    """Frames that are numbers: seconds, and the cursor; then the feed breaks off."""

    feed = ""

    def __init__(self, *numbers: int, taken: asyncio.Future[None] | None = None) -> None:
        self.numbers, self.taken, self.asked = numbers, taken, [""]

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002
        """Yield the numbers, then break off."""
        self.asked.append(cursor or "")
        for number in self.numbers:
            yield Frame(str(number).encode(), self.taken)
        raise FeedError("cut")

    def read(self, raw: bytes, memory: Memory) -> Reading:  # noqa: ARG002
        """Return the number as cursor and second."""
        return Reading((), raw.decode(), int(raw) * 1000)


class Kept:
    """A publisher that keeps what it is given, or cannot."""

    def __init__(self, *, away: bool = False) -> None:
        self.tally, self.away, self.outcomes = Tally(), away, list[Outcome]()

    async def publish(self, outcomes: Iterable[Outcome]) -> None:
        """Keep the outcomes."""
        self.outcomes += outcomes

    async def push(self) -> None:
        """Nothing waits."""

    async def flush(self) -> None:
        """Acknowledge, or not."""
        if self.away:
            raise KafkaAwayError("away")
