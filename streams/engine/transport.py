"""Faust's aiokafka consumer, made exact: order-true commits behind a barrier, no stale chunk.

What stock Faust does, and why it is changed here:
- it re-activates a paused partition when a rebalance clears a full stream buffer, fetches it in the middle of
  recovery, and the rest of that fetch survives the seek back: events are lost (`on_buffer_drop`, epochs,
  `take`);
- it forgets acknowledged offsets on revocation before committing them (`on_partitions_revoked`);
- it fills gaps between acknowledged offsets by guessing (`_add_gap`, `_new_offset`);
- between "partitions resumed" and "flow resumed" it may deliver from a position it is about to leave
(`_hold`);
- a recovery that a newer rebalance overtook still seeks and resumes, between that rebalance's revocation and its
assignment (`revoking`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage

from schemas.errors import BrokenGuaranteeError
from streams.engine.chunk import Chunk
from streams.engine.crashpoints import reach

if TYPE_CHECKING:
    from streams.engine.engine import Engine

HELD_PAUSE_S: Final = 0.01
HELD_TIMEOUT_S: Final = 0.05
POLL_S: Final = 0.2
"""How long a fetch may wait for records; a seek, and so every rebalance, waits for it."""
CREATE_TIME: Final = 0
GATHER_MS: Final = 25
GATHER_BYTES: Final = 1 << 18
"""A fetch waits so long for so much: without load, many tiny chunks would cost more than what they hold."""


class Consumer(driver.Consumer):
    """Delivers chunks; `epoch` names the stretch between two seeks, and only its own chunks may be taken."""

    def __init__(self, transport: Transport, *args: Any, **kwargs: Any) -> None:
        """Start with nothing delivered."""
        super().__init__(transport, *args, **kwargs)
        self.engine = transport.engine
        self.earliest: dict[Any, int] = {}
        self._epoch = 0
        self.revoking = False
        self._revocations = 0
        self._adopted = 0
        self._hold = False
        self._fetching = asyncio.Lock()
        self._delivered: dict[Any, deque[int]] = defaultdict(deque)
        self._given: dict[Any, int] = {}
        self._taken: dict[Any, int] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def is_fresh(self, chunk: Chunk) -> bool:
        """Return whether the chunk may still be applied."""
        return chunk.epoch == self._epoch and not self.revoking

    def take(self, tp: Any, chunk: Chunk) -> bool:
        """Return whether to apply the chunk now; False = stale, pass over without acknowledging.

        Nothing may be awaited between this and the end of the state change. BrokenGuaranteeError when a chunk
        before this one is missing: going on would lose it.
        """
        if not self.is_fresh(chunk):
            return False
        before = self._taken.get(tp)
        if before != chunk.previous:
            message = f"{chunk!r} follows {chunk.previous}, but {before} was taken last"
            raise BrokenGuaranteeError(message)
        self._taken[tp] = chunk.last
        return True

    def _is_stream(self, tp: Any) -> bool:
        return bool(self.app.topics.acks_enabled_for(tp.topic))

    def _new_epoch(self) -> None:
        self._epoch += 1
        for record in (self._given, self._taken, self._delivered, self._acked, self._acked_index, self._gap):
            record.clear()

    def on_buffer_drop(self, tp: Any) -> None:
        """Re-activate a partition whose buffer drained, unless it is paused."""
        if tp in self._paused_partitions:
            self._buffered_partitions.discard(tp)
        else:
            super().on_buffer_drop(tp)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109
        """Yield messages, chunks of streams stamped with the epoch and the chunk before them."""
        epoch = self._epoch
        async for tp, message in super().getmany(timeout):
            chunk: Any = message.value
            if isinstance(chunk, Chunk) and self._is_stream(tp):
                if epoch != self._epoch:
                    break
                chunk.epoch, chunk.previous = epoch, self._given.get(tp)
                self._given[tp] = chunk.last
                self._delivered[tp].append(chunk.last)
            yield tp, message

    def _to_message(self, tp: Any, record: Any) -> Any:
        if not isinstance(record, Chunk):
            return super()._to_message(tp, record)
        stamp_s = float(record.timestamps_ms[-1]) / 1000 if len(record) else 0.0
        value: Any = record
        generation = self.app.consumer_generation_id
        return ConsumerMessage(
            record.topic, record.partition, record.last, stamp_s, CREATE_TIME, {}, None, value, None, 0, 0,
            tp, generation_id=generation,
        )  # fmt: skip

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109
        async with self._fetching:
            # The base class passes a set that it goes on changing.
            wanted = set(active_partitions)
            if self._hold:
                wanted = {tp for tp in wanted if not self._is_stream(tp)}
                # An empty set would mean "all" to aiokafka.
                if not wanted:
                    await asyncio.sleep(HELD_PAUSE_S)
                    return {}
            return await super()._getmany(wanted, HELD_TIMEOUT_S if self._hold else min(timeout, POLL_S))

    def resume_partitions(self, tps: Iterable[Any]) -> None:
        """Resume partitions; streams stay silent until the flow resumes."""
        resumed = set(tps)
        self._hold = self._hold or any(self._is_stream(tp) for tp in resumed)
        super().resume_partitions(resumed)

    def resume_flow(self) -> None:
        """Let streams flow, unless it is an overtaken recovery that asks."""
        self._hold = self.revoking
        super().resume_flow()

    async def perform_seek(self) -> None:
        """Seek to the committed offsets; what was fetched before is stale.

        Chunks may be taken again when the partitions of the newest assignment were adopted before, and none revoked
        meanwhile.
        """
        self._hold = True
        async with self._fetching:
            adopted = self._adopted
            await super().perform_seek()
            self._new_epoch()
            self.revoking = adopted != self._revocations

    def adopt(self) -> None:
        """Note that the store holds the partitions of the newest assignment; seeks from now on are for them."""
        self._adopted = self._revocations

    async def earliest_offsets(self, *partitions: Any) -> Mapping[Any, int]:
        """Return where each log begins, and remember it for the store's check of continuity."""
        found: Mapping[Any, int] = await super().earliest_offsets(*partitions)
        self.earliest.update({tp: offset for tp, offset in found.items() if offset is not None})
        return found

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Do nothing: order of delivery decides what may be committed, not arithmetic on offsets."""

    def _new_offset(self, tp: Any) -> int | None:
        """Return the offset behind the last chunk acknowledged without a hole, None for nothing new."""
        acked, index, delivered = self._acked[tp], self._acked_index[tp], self._delivered[tp]
        last: int | None = None
        while delivered and delivered[0] in index:
            last = delivered.popleft()
            index.discard(last)
        if last is None:
            return None
        acked[:] = index
        return last + 1

    async def _handle_attached(self, commit_offsets: Mapping[Any, int]) -> None:
        """Make everything durable that the offsets about to be committed stand for."""
        await self.engine.barrier_before_commit(commit_offsets)

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Return whether the offsets are committed."""
        done: bool = await super()._commit(offsets)
        if done:
            reach("committed")
        return done

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Take no further chunk, make durable and commit what was taken, then let go."""
        self.revoking = True
        self._revocations += 1
        await self.engine.commit_before_revoke(self)
        self._new_epoch()
        await super().on_partitions_revoked(revoked)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's, with fetches that gather: without load many tiny chunks would cost more than what they hold."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        made: Any = super()._create_worker_consumer(transport)
        made._fetch_min_bytes, made._fetch_max_wait_ms = GATHER_BYTES, GATHER_MS
        return made


class Transport(driver.Transport):
    """aiokafka transport with the consumer above."""

    Consumer = Consumer

    def __init__(self, url: Any, app: Any, engine: Engine) -> None:
        """Bind to the engine whose barrier runs before each commit."""
        self.engine = engine
        super().__init__(url, app)
