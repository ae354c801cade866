"""Credits on their way to the targets' partitions, strictly one flush after another.

The broker then holds, for every source partition, a prefix of what was forwarded, whatever moment a worker
dies at; so a target partition may drop every credit at or below its watermark for that source.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from schemas.credit import encode_credits
from streams.stages.packing import packed

if TYPE_CHECKING:
    import numpy as np

    from streams.engine.fencing import FencedWriter
    from streams.stages.columns import Columns

LANE = "credits"
MAX_WAITING_RECORDS = 400
Packed = tuple[int, bytes]
"""Source partition and encoded credits."""


class Forwarder:
    """Packs what the actor stage grants and sends it; `MAX_WAITING_RECORDS` is where back-pressure begins."""

    def __init__(self, writer: Callable[[], FencedWriter], topic: str, partitions: int) -> None:
        self._writer = writer
        self._topic = topic
        self._partitions = partitions
        self._packed: dict[int, list[Packed]] = defaultdict(list)
        self._queue: deque[dict[int, list[Packed]]] = deque()
        self._lock = asyncio.Lock()

    def add(
        self,
        source: int,
        c: Columns,
        kept: np.ndarray,
        mass: np.ndarray,
        est: np.ndarray,
        reach: np.ndarray,
        undone: np.ndarray | None = None,
    ) -> None:
        """Pack events `kept` (indices in order, with mass, est, reach beside) as one record per target partition."""
        for partition, record in packed(source, c, kept, mass, est, reach, self._partitions, undone):
            self._packed[partition].append((source, encode_credits(record)))

    def send(self, source: int, target: int, record: bytes) -> None:
        """Have a record of partition `source` sent to partition `target` in its turn."""
        self._packed[target].append((source, record))

    @property
    def waiting(self) -> int:
        """Return how many records are packed and not yet acknowledged."""
        return sum(map(len, self._packed.values())) + sum(len(r) for flush in self._queue for r in flush.values())

    def flush(self) -> Coroutine[Any, Any, None]:
        """Return a coroutine that sends everything packed so far and waits for the acknowledgements."""
        if self._packed:
            self._queue.append(self._packed)
            self._packed = defaultdict(list)
        return self._drain()

    async def _drain(self) -> None:
        async with self._lock:
            while self._queue:
                await asyncio.gather(*(self._append(p, records) for p, records in self._queue[0].items() if records))
                self._queue.popleft()

    async def _append(self, partition: int, records: list[Packed]) -> None:
        await self._writer().append_open(self._topic, partition, [(None, v, ()) for _, v in records], lane=LANE)

    def lose(self, sources: frozenset[int]) -> None:
        """Drop what waits from source partitions that another worker owns now: it forwards the same again."""
        for flush in (self._packed, *list(self._queue)[1:]):
            for p, records in flush.items():
                flush[p] = [one for one in records if one[0] not in sources]
