"""Dead letters and re-routed records on their way out: acknowledged by the broker before offsets are committed.

A worker that dies between sending and committing sends them again; topic, partition and offset in the headers
make such a second letter recognisable, and a second re-routed record is dropped as a repeated id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from schemas.reasons import COUNTED_ONLY

if TYPE_CHECKING:
    from schemas.dead_letter import DeadLetter
    from schemas.topics import Topics
    from streams.engine.fencing import FencedWriter
    from streams.engine.records import Record

LANE = "letters"


class Outbox:
    """Records that stages hand over without waiting; `flush` returns a coroutine that sends what is in it now."""

    def __init__(self, writer: Callable[[], FencedWriter], topics: Topics) -> None:
        self._writer = writer
        self._topics = topics
        self._waiting: dict[tuple[str, int], list[Record]] = defaultdict(list)

    def refuse(self, letter: DeadLetter) -> None:
        """Keep a letter for the dead-letter topic, unless its reason is counted only."""
        if letter.reason not in COUNTED_ONLY:
            self._waiting[self._topics.dead_letters.name, 0].append((None, letter.value, letter.headers()))

    def reroute(self, partition: int, key: bytes, value: bytes) -> None:
        """Keep an engagement for the partition that its actor belongs to."""
        self._waiting[self._topics.engagements.name, partition].append((key, value, []))

    def flush(self) -> Coroutine[Any, Any, None]:
        """Return a coroutine that sends everything kept so far and waits for the acknowledgements."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        return self._send(waiting)

    async def _send(self, waiting: dict[tuple[str, int], list[Record]]) -> None:
        for (topic, partition), records in waiting.items():
            await self._writer().append_open(topic, partition, records, lane=LANE)
