"""Departure: deletes who asked for it, on every partition: row, pairs and key, the others' pairs with them, the score.

The score's tombstone is acknowledged first, the deletion made durable next, and only then the partition says that it
has come so far; a crash in between repeats all of it, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.stages.emission import LANE
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    import numpy as np

    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.stages.suppression import Suppression

COMMANDS = b"commands"
_DURABLE = "commands"


def obeyed(partition: Partition) -> int:
    """Return the offset behind the last command that this partition has durably obeyed."""
    found: int = partition.extra.get(_DURABLE, _applied(partition))
    return found


def _applied(partition: Partition) -> int:
    return int.from_bytes(partition.meta.get(COMMANDS, b""), "little")


@dataclass(frozen=True, slots=True)
class Departure:
    """Deletes for one worker. Must not run while an emission does: that writes into rows that it holds."""

    topic: str
    suppression: Suppression
    writer: Callable[[], FencedWriter]
    durable: Callable[[], Awaitable[None]]
    metrics: Metrics

    async def obey(self, partitions: list[Partition]) -> None:
        """Bring every partition to the newest command."""
        following = self.suppression.following
        behind = [partition for partition in partitions if _applied(partition) < following]
        for partition in behind:
            partition.extra.setdefault(_DURABLE, _applied(partition))
            await self._delete(partition, following)
        if behind:
            await self.durable()
        for partition in behind:
            if partition.active:
                partition.extra[_DURABLE] = following

    async def _delete(self, partition: Partition, following: int) -> None:
        hashes = self.suppression.to_delete(_applied(partition))
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
        partition.set_meta(COMMANDS, following.to_bytes(8, "little"))

    def _forget(self, partition: Partition, hashes: np.ndarray) -> None:
        slots = partition.index.slots_of(hashes)
        partition.leave(hashes)
        pending_of(partition).drop(slots)
