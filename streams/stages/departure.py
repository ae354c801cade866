"""Departure: deletes who asked for it, on every partition: row, pairs and key, the others' pairs with them, the score.

The score's tombstone is acknowledged first, the deletion made durable next, and only then the partition says that it
has come so far; a crash in between repeats all of it, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.stages.emission import LANE
from streams.stages.obeyed import begin, end, following, obey_to
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    import numpy as np

    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.stages.linking import Linking
    from streams.stages.suppression import Suppression


@dataclass(frozen=True, slots=True)
class Departure:
    """Deletes for one worker. Must not run while an emission does: that writes into rows that it holds."""

    topic: str
    suppression: Suppression
    writer: Callable[[], FencedWriter]
    durable: Callable[[], Awaitable[None]]
    metrics: Metrics
    linking: Linking

    async def obey(self, partitions: list[Partition]) -> None:
        """Bring every partition to the newest command."""
        newest = self.suppression.following
        behind = [partition for partition in partitions if following(partition) < newest]
        if not behind:
            return
        before = [following(partition) for partition in behind]
        for partition in behind:
            begin(partition)
        for offset in self.suppression.links.between(min(before), newest):
            if not await self._link([each for each in behind if following(each) <= offset], offset):
                newest = offset
                break
        for partition in behind:
            await self._delete(partition, newest)
        if before != [following(partition) for partition in behind]:
            await self.durable()
        for partition in behind:
            if partition.active:
                end(partition)

    async def _link(self, partitions: list[Partition], offset: int) -> bool:
        """Bring the partitions past a command that changes links; False while it cannot be obeyed."""
        for partition in partitions:
            await self._delete(partition, offset)
        return await self.linking.obey(partitions, offset, self._delete)

    async def _delete(self, partition: Partition, newest: int) -> None:
        """Bring the partition to the command at `newest`, which is obeyed later, past others that only delete."""
        since = following(partition)
        if since >= newest:
            return
        hashes = self.suppression.to_delete(since, newest)
        if len(hashes):
            slots = partition.index.slots_of(hashes)
            keys = [partition.index.key(slot) for slot in slots.tolist()]
            if keys:
                tombstones = [(key, None, ()) for key in keys]
                await self.writer().append_open(self.topic, partition.number, tombstones, lane=LANE)
            if not partition.active:
                return
            self._forget(partition, hashes)
            self.metrics.departed.inc(len(keys))
        obey_to(partition, newest)

    def _forget(self, partition: Partition, hashes: np.ndarray) -> None:
        slots = partition.index.slots_of(hashes)
        partition.leave(hashes)
        pending_of(partition).drop(slots)
