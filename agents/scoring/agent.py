"""The scoring agent: the scores topic into Redis, for as long as it is told to run.

Position and scores change in Redis in one step (`writer`), so Redis says itself where to read on. The agent looks
there when it is given a partition and once a second: an empty or restored Redis is filled again from the
compacted topic by itself. Offsets committed to Kafka follow behind and only tell others how far it is. Daily
history is kept in Redis alone; a lost Redis starts a new one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from agents.scoring.entries import newest
from agents.scoring.latency import Latency
from agents.scoring.meta import Meta
from agents.scoring.metrics import ScoringMetrics
from agents.scoring.outage import Patience
from agents.scoring.records import Refused, read
from agents.scoring.writer import MovedError, ScoreWriter
from schemas.errors import RenownError
from schemas.score import decode_pointer, decode_score
from streams.engine.crashpoints import reach

POLL_MS = 200
POLL_RECORDS = 4_000
LOOK_EVERY_S = 1.0
COMMIT_EVERY_S = 0.2
COMMIT_LIMIT_S = 2.0
log = structlog.get_logger()


class ForeignScoresError(RenownError):
    """Redis is ahead of the topic: it holds the scores of another one, whose versions cannot be compared."""

    def __init__(self, partition: TopicPartition, position: int, end: int) -> None:
        where = f"partition {partition.partition} of {partition.topic} is applied to {position} but ends at {end}"
        super().__init__(f"Redis holds the scores of another topic ({where}); run `renown scoring --rebuild`")


class ScoringAgent(ConsumerRebalanceListener):  # type: ignore[misc]
    """Consumes, writes, looks after its positions; `run` returns after `stop` is set."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        writer: ScoreWriter,
        meta: Meta,
        metrics: ScoringMetrics,
        stop: asyncio.Event,
        now_ms: Callable[[], int],
    ) -> None:
        self._consumer, self._writer, self._meta = consumer, writer, meta
        self._metrics, self._stop, self._now_ms = metrics, stop, now_ms
        self._patience = Patience(stop, metrics)
        self._latency = Latency()
        self._placed: dict[TopicPartition, int | None] = {}
        self._live_since_ms: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._looked_at = self._committed_at = 0.0
        self._in_group = False

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Forget the positions: another agent may move them from here on."""
        for partition in revoked:
            self._placed.pop(partition, None)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Leave placing to the loop: waiting for Redis here would hold up the whole group."""
        for partition in assigned:
            self._placed.pop(partition, None)
        self._committed, self._in_group = {}, True

    async def run(self, ready: Callable[[], None]) -> None:
        """Write scores until `stop`; `ready` is called once the group has taken us in and Redis answers.

        Raises StoppedError when stopped during an outage of Redis, and errors that waiting cannot cure.
        """
        announced = False
        while not self._stop.is_set():
            await self._place()
            polled = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            await asyncio.gather(*(self._write(partition, records) for partition, records in polled.items()))
            if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
                self._looked_at = time.monotonic()
                await self._look()
            if not announced and self._in_group:
                announced = True
                ready()
            if time.monotonic() - self._committed_at >= COMMIT_EVERY_S:
                self._committed_at = time.monotonic()
                await self._commit()
        await self._commit()
        await self._look()

    async def _place(self) -> None:
        """Start partitions that came to us where Redis says; raise ForeignScoresError when that is past the end."""
        fresh = self._consumer.assignment() - self._placed.keys()
        if not fresh:
            return
        reach("scoring_started")
        numbers = [each.partition for each in fresh]
        positions = await self._patience.until_done(lambda: self._writer.positions(numbers))
        ends = await self._consumer.end_offsets(list(fresh))
        for partition in fresh & self._consumer.assignment():
            position = positions[partition.partition]
            if (position or 0) > ends[partition]:
                raise ForeignScoresError(partition, position or 0, ends[partition])
            await self._seek(partition, position)

    async def _seek(self, partition: TopicPartition, position: int | None) -> None:
        if position is None:
            await self._consumer.seek_to_beginning(partition)
        else:
            self._consumer.seek(partition, position)
        self._placed[partition] = position
        self._live_since_ms[partition] = self._now_ms()

    async def _write(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        expected = self._placed.get(partition)
        if partition not in self._placed or (expected or 0) > records[0].offset:
            return  # came to us during the poll, so it was not read from where Redis says
        following = records[-1].offset + 1
        found = read(records)
        self._refuse(found.refused)
        entries = newest(found.scores)
        reach("scoring_write")
        try:
            written = await self._patience.until_done(
                lambda: self._writer.write(partition.partition, entries, expected, following)
            )
        except MovedError as moved:
            await self._rewind(partition, moved.position)
            return
        reach("scoring_written")
        if partition in self._placed:
            self._placed[partition] = following
        last, refused = records[-1], found.refused[-1].record if found.refused else None
        if last.value and last is not refused and decode_pointer(last.value) is None:
            self._meta.seen(decode_score(last.value))
        for outcome, count in (
            ("written", written.written),
            ("stale", written.stale),
            ("removed", written.removed),
        ):
            self._metrics.by_outcome[outcome].inc(count)
        self._measure(partition, records, found.produced_at_ms)

    def _refuse(self, refused: list[Refused]) -> None:
        for record, error in refused:
            self._metrics.by_outcome["refused"].inc()
            log.warning("not a score", partition=record.partition, offset=record.offset, error=str(error))

    async def _rewind(self, partition: TopicPartition, position: int | None) -> None:
        if partition not in self._consumer.assignment():
            self._placed.pop(partition, None)
            return
        self._metrics.rewinds.inc()
        held = self._placed.get(partition)
        log.warning("redis holds another position", partition=partition.partition, expected=held, found=position)
        await self._seek(partition, position)

    def _measure(self, partition: TopicPartition, records: list[ConsumerRecord], produced_at_ms: list[int]) -> None:
        """Take the delays of fresh scores; those of a catch-up say how long we were away, not how fast we are."""
        if records[0].timestamp < self._live_since_ms.get(partition, 0):
            return
        now_ms = self._now_ms()
        delays_ms = [now_ms - each for each in produced_at_ms if each]
        self._latency.add(delays_ms)
        self._metrics.observe_delays(delays_ms)

    async def _look(self) -> None:
        """Once a second: is Redis still the one that we wrote to? Then leave word of ourselves there."""
        held = dict(self._placed)
        found = await self._patience.until_done(lambda: self._writer.positions([each.partition for each in held]))
        for partition, position in held.items():
            if found[partition.partition] != position and self._placed.get(partition) == position:
                await self._rewind(partition, found[partition.partition])
        await self._patience.until_done(lambda: self._meta.write(self._latency))

    async def _commit(self) -> None:
        """Tell others through Kafka how far Redis is; a commit that fails is made up for by the next one."""
        applied = {each: at or 0 for each, at in self._placed.items()}
        if not applied or applied == self._committed:
            return
        try:
            await asyncio.wait_for(self._consumer.commit(applied), COMMIT_LIMIT_S)
            reach("scoring_committed")
            self._committed = applied
        except (KafkaError, TimeoutError) as error:
            log.debug("commit left out", error=str(error))
