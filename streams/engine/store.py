"""The users table as Faust sees it: a store whose partitions are columns, restored from whole batches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import faust.stores
from faust.stores.base import Store

from schemas.errors import BrokenGuaranteeError
from streams.engine import restore
from streams.engine.chunk import Chunk
from streams.engine.crashpoints import reach
from streams.engine.partition import NOTHING_READ, Partition

if TYPE_CHECKING:
    from streams.engine.engine import Engine

SCHEME = "slab"
URL = f"{SCHEME}://local"
"""A bare `slab://` would silently give Faust's memory store."""


class SlabStore(Store):
    """Partitions of the users table in this process: active ones, which steps change, and standby copies."""

    def __init__(self, url: Any, app: Any, table: Any, **kwargs: Any) -> None:
        """Start without partitions; `options["engine"]` is the engine that owns the table."""
        super().__init__(url, app, table, **kwargs)
        self.engine: Engine = (self.options or {})["engine"]
        self.partitions: dict[int, Partition] = {}
        self.engine.attach(self)

    def __post_init__(self) -> None:
        """Do nothing: Faust's service calls it."""

    @property
    def topic(self) -> str:
        """The changelog topic."""
        return self.engine.changelog_topic

    def actives(self) -> list[Partition]:
        """Return the partitions this worker owns."""
        return [partition for partition in self.partitions.values() if partition.active]

    def persisted_offset(self, tp: Any) -> int:
        """Return the last changelog offset that the state contains, -1 for none.

        Never None: with None a superseded rebalance makes Faust load only the tail.
        """
        partition = self.partitions.get(tp.partition)
        return NOTHING_READ if partition is None else partition.position

    def reset_state(self) -> None:
        """Forget everything."""
        self.partitions.clear()

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002
        """Enter chunks of the changelog; ends the worker on what it cannot read.

        Faust would log an exception raised here and go on without the records.
        """
        try:
            for event in batch:
                self._apply(event.message.tp, event.message.value)
        except Exception as error:  # noqa: BLE001 - ends the worker
            self.engine.fail(error)

    def _apply(self, tp: Any, chunk: Chunk) -> None:
        partition = self.partitions.get(chunk.partition)
        # Faust hands over leftovers of partitions that a rebalance took away.
        if partition is None or chunk.topic != self.topic or chunk.last <= partition.position:
            return
        begins = self.engine.consumer.earliest.get(tp, 0)
        if chunk.first > max(partition.position + 1, begins):
            self.engine.metrics.stray(chunk.partition)
            return
        self._restore(partition, chunk)

    def _restore(self, partition: Partition, chunk: Chunk) -> None:
        started = time.perf_counter()
        records = restore.apply(partition, chunk)
        self.engine.metrics.restored(chunk.partition, records, time.perf_counter() - started)
        if records:
            reach("restoring")

    async def on_rebalance(
        self,
        assigned: Any,  # noqa: ARG002
        revoked: Any,  # noqa: ARG002
        newly_assigned: Any,  # noqa: ARG002
        generation_id: int = 0,
    ) -> None:
        """Drop what is not ours any more and claim what is, before Faust reads how far the changelog goes.

        Only clean state survives. Every active partition is claimed anew, also one that stayed here: another
        worker may have owned it in a rebalance this one never saw.
        """
        if generation_id != self.app.consumer_generation_id:
            return
        actives, standbys = self._assigned()
        async with self.engine.barrier.lock:
            lost = self._drop(actives, standbys)
            self._adopt(actives, standbys)
            await self.engine.take_ownership(lost, sorted(actives))
        self.engine.consumer.adopt()

    def _assigned(self) -> tuple[set[int], set[int]]:
        assignor, topic = self.app.assignor, self.topic
        actives = {tp.partition for tp in assignor.assigned_actives() if tp.topic == topic}
        standbys = {tp.partition for tp in assignor.assigned_standbys() if tp.topic == topic}
        return actives, standbys - actives

    def _drop(self, actives: set[int], standbys: set[int]) -> set[int]:
        """Forget partitions that left, were demoted or hold unsaved changes; return the active ones."""
        gone = {
            number
            for number, partition in self.partitions.items()
            if number not in actives | standbys or (partition.active and number not in actives) or partition.is_dirty
        }
        return {number for number in gone if self.partitions.pop(number).active}

    def _adopt(self, actives: set[int], standbys: set[int]) -> None:
        for number in actives | standbys:
            partition = self.partitions.setdefault(number, self.engine.new_partition(number))
            partition.active = number in actives
            partition.recovered = False

    async def on_recovery_completed(self, active_tps: Any, standby_tps: Any) -> None:  # noqa: ARG002
        """Open the active partitions for work; ends the worker when one cannot be completed."""
        tables: Any = self.app.tables
        highwaters = dict(tables.recovery.active_highwaters)
        try:
            for tp in active_tps:
                await self._open(tp.partition, highwaters.get(tp))
        except Exception as error:  # noqa: BLE001 - ends the worker
            self.engine.fail(error)
        reach("recovered")

    async def _open(self, number: int, need: int | None) -> None:
        """Mark a partition recovered, once it contains the changelog up to offset `need`.

        A rebalance in the middle of a recovery can make Faust drop fetched records and end without them.
        """
        partition = self.partitions.get(number)
        # Gone when a newer rebalance overtook this recovery, whose own will end here too.
        if partition is None or not partition.active:
            return
        if need is not None and partition.position < need:
            async for chunk in self.engine.read_changelog(number, partition.position + 1, need + 1):
                self._restore(partition, chunk)
            if partition.position < need:
                message = f"recovery of {self.topic}-{number} ended at {partition.position}, log goes to {need}"
                raise BrokenGuaranteeError(message)
        partition.recovered = True

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:  # noqa: FBT001, FBT002
        """Do nothing: the changelog is the backup."""

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:  # noqa: FBT001, FBT002
        """Do nothing: the changelog is the backup."""

    def __len__(self) -> int:
        """Return how many users are here, standby copies included."""
        return sum(len(partition.index) for partition in self.partitions.values())

    def __iter__(self) -> Iterator[bytes]:
        """Yield the ids of all users here."""
        for partition in self.partitions.values():
            yield from filter(None, partition.index.keys())

    def __getitem__(self, key: bytes) -> Any:
        """Return the row of a user; KeyError when this worker does not hold it."""
        for partition in self.partitions.values():
            slot = partition.index.find(key)
            if slot >= 0:
                return partition.state.rows[slot]
        raise KeyError(key)


def register() -> None:
    """Make `slab://local` mean SlabStore."""
    faust.stores.STORES.aliases[SCHEME] = f"{SlabStore.__module__}:{SlabStore.__qualname__}"
