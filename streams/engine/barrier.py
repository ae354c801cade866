"""The barrier: everything that a commit stands for is durable before Faust commits.

One synchronous snapshot, then in this order: forwards acknowledged, users with their pairs, metas, return.
Any failure propagates; the caller must not commit and must not go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

from schemas.errors import BrokenGuaranteeError
from streams.engine import snapshot
from streams.engine.batches import TARGET_BYTES, Batch
from streams.engine.changelog import packed
from streams.engine.crashpoints import reach
from streams.engine.fencing import FencedWriter
from streams.engine.metrics import EngineMetrics
from streams.engine.partition import Partition
from streams.engine.snapshot import Snapshot

Stage = Callable[[], Coroutine[Any, Any, None]]


class Barrier:
    """Runs one at a time; `before` are the stages whose output must be acknowledged ahead of the rows.

    A stage is called synchronously with the snapshot of the rows, takes what it has to send, and returns the
    coroutine that sends it and awaits the acknowledgements. `on_commit` is called after each barrier.
    """

    def __init__(
        self,
        topic: str,
        writer: Callable[[], FencedWriter],
        actives: Callable[[], Iterable[Partition]],
        metrics: EngineMetrics,
    ) -> None:
        """Write the partitions that `actives` returns to the changelog `topic`."""
        self.before: list[Stage] = []
        self.on_commit: list[Callable[[], None]] = []
        self.lock = asyncio.Lock()
        self.interrupted = False
        self.batch_bytes = TARGET_BYTES
        self._topic = topic
        self._writer = writer
        self._actives = actives
        self._metrics = metrics

    async def run(self) -> None:
        """Make everything durable that changed so far.

        Cut short by an error or a cancellation, it leaves `interrupted` set: what it took is marked clean and
        may not be durable, so the process must end.
        """
        async with self.lock:
            if self.interrupted:
                message = "an earlier barrier was cut short"
                raise BrokenGuaranteeError(message)
            self.interrupted = True
            started = time.perf_counter()
            stages = [stage() for stage in self.before]
            taken = [found for partition in self._actives() if (found := snapshot.take(partition))]
            snapshot_s = time.perf_counter() - started
            await _all_in_order(stages)
            reach("barrier_forwards")
            await asyncio.gather(*[self._append(found) for found in taken])
            reach("barrier_done")
            self.interrupted = False
            users, pairs = sum(s.users for s in taken), sum(len(s.others) for s in taken)
            self._metrics.barrier(users, pairs, snapshot_s, time.perf_counter() - started)
        for callback in self.on_commit:
            callback()

    async def _append(self, taken: Snapshot) -> None:
        partition = taken.partition
        batches = _one_by_one(packed(taken, self.batch_bytes))
        last = await self._writer().append_packed(self._topic, partition.number, batches)
        partition.position = max(partition.position, last)
        reach("barrier_partition")


def _one_by_one(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the batches; the writer asks for the next one when the one before is acknowledged."""
    for number, batch in enumerate(batches):
        if number:
            reach("barrier_rows")
        yield batch


async def _all_in_order(stages: list[Coroutine[Any, Any, None]]) -> None:
    waiting = iter(stages)
    try:
        for stage in waiting:
            await stage
    finally:
        for left in waiting:
            left.close()
