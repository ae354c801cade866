"""Linking: brings partitions past a command that changes who is whose, so that nothing is lost or counted twice.

First everything done so far is made durable, together with the note that the partitions wait: from then on no event is
applied there, also after a crash, until the rest is done, which therefore comes out the same however often it is begun.
Then what an account has received goes to the person's partition, its row is emptied, and everybody remembers the person
where they remembered the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.score import Pointer, encode_pointer
from schemas.transfer import PAIRS, ROW, Moved, Transfer, encode_transfer, moved_body, names
from streams.engine.crashpoints import reach
from streams.model.join import emptied, rename, taken
from streams.stages.emission import LANE
from streams.stages.links import NOBODY, Change
from streams.stages.obeyed import following
from streams.stages.pending import pending_of
from streams.stages.relay import names_key
from streams.stages.target import progress_of

if TYPE_CHECKING:
    from streams.engine.fencing import FencedWriter
    from streams.engine.partition import Partition
    from streams.model.parameters import Parameters
    from streams.stages.forward import Forwarder
    from streams.stages.suppression import Suppression

HELD: Final = b"linking"
PAIRS_A_RECORD: Final = 5_000
_PART_BITS: Final = 20
_LOOK_S: Final = 0.02
Finish = Callable[["Partition", int], Awaitable[None]]


async def until_free(partition: Partition, said: Suppression) -> None:
    """Wait while the partition is on its way past a command, or this worker knows fewer commands than it has obeyed."""
    while partition.meta.get(HELD) or said.following < following(partition):  # noqa: ASYNC110 - rare, and of two causes
        await asyncio.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class Linking:
    """Links for one worker. Must not run while an emission does: both write into rows."""

    topic: str
    suppression: Suppression
    forwarder: Forwarder
    partitions: int
    writer: Callable[[], FencedWriter]
    durable: Callable[[], Awaitable[None]]
    parameters: Parameters

    async def obey(self, partitions: list[Partition], offset: int, finish: Finish) -> bool:
        """Bring the partitions past the command at `offset`, `finish` last; False while they cannot be yet."""
        changes = self.suppression.links.at(offset)
        if not all(self._are_introduced(each, change) for each in partitions for change in changes):
            return False
        for partition in partitions:
            if not partition.meta.get(HELD):
                partition.set_meta(HELD, b"\1")
        await self.durable()
        reach("link_held")
        for partition in partitions:
            for change in changes:
                await self._tell(partition, change)
            if partition.active:
                for change in changes:
                    self._change(partition, change)
        await self.forwarder.flush()
        reach("link_sent")
        for partition in partitions:
            await finish(partition, offset + 1)
            partition.set_meta(HELD, b"")
        await self.durable()
        reach("link_done")
        return True

    def _are_introduced(self, partition: Partition, change: Change) -> bool:
        """Whether the partition has learnt the names that the command speaks of."""
        here = [offset for number, offset in change.introduced if number == partition.number]
        return progress_of(partition, self.partitions).applied > max(here, default=-1)

    async def _tell(self, partition: Partition, change: Change) -> None:
        """Have the account's score point to the person, or be gone."""
        known = partition.meta.get(names_key(change.account))
        if not known:
            return
        account, person = names(known[8:])
        pointer = Pointer(account.decode(), person.decode())
        value = None if change.person == NOBODY else encode_pointer(pointer)
        await self.writer().append_open(self.topic, partition.number, [(account, value, ())], lane=LANE)

    def _change(self, partition: Partition, change: Change) -> None:
        if change.person == NOBODY:
            if partition.meta.get(names_key(change.account)):
                partition.set_meta(names_key(change.account), b"")
            return
        for slot in partition.index.slots_of(np.array([change.account], np.uint64)).tolist():
            self._move(partition, slot, change)
        partition.pairs_removed(*rename(partition.state, change.account, change.person, self.parameters))

    def _move(self, partition: Partition, slot: int, change: Change) -> None:
        """Send what the user at `slot` has received to the person, and empty it here."""
        row, others, slots = taken(partition.state, slot)
        if row["got_last"][0] or len(others):
            for part, start in enumerate(range(0, max(len(others), 1), PAIRS_A_RECORD)):
                end = start + PAIRS_A_RECORD
                found = Moved(change.person, row if part == 0 else row[:0], others[start:end], slots[start:end])
                order = change.offset << _PART_BITS | part
                kind, lane = ROW if part == 0 else PAIRS, self.partitions + partition.number
                record = Transfer(kind, lane, order, change.appended_at_ms, moved_body(found))
                self.forwarder.send(partition.number, change.home, encode_transfer(record))
        emptied(partition.state, slot)
        pending_of(partition).drop(np.array([slot]))
        pairs = partition.state.pairs
        partition.pairs_removed(*pairs.remove((pairs.users == slot) & (pairs.slots["given_at"] == -np.inf)))
