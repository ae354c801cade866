"""Outcomes into Kafka: engagements in whole batches by partition, refusals into the dead-letter topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from agents.ingest.kafka import KafkaAwayError
from agents.ingest.outcomes import Outcome, Refused
from agents.ingest.partitioner import partition_of
from agents.ingest.tally import Tally
from schemas.dead_letter import DeadLetter
from schemas.errors import BadRecordError
from schemas.reasons import COUNTED_ONLY, Reason
from schemas.topics import Topics

MAX_LETTER_BYTES = 512 * 1024


@dataclass(slots=True)
class Publisher:
    """Publishes outcomes and counts what Kafka acknowledged.

    At most two batches of a partition are under way (one sent, one waiting), so a slow broker slows the
    reader. In dead letters `source` names the format and `origin` the file; `now_ms` is the wall clock. When
    nothing is acknowledged for `give_up_s`, Kafka counts as away.
    """

    producer: AIOKafkaProducer
    topics: Topics
    partitions: int
    source: str
    origin: str
    now_ms: Callable[[], int]
    give_up_s: float = 30.0
    tally: Tally = field(default_factory=Tally)
    _open: dict[int, BatchBuilder] = field(default_factory=dict)
    _under_way: set[asyncio.Future[object]] = field(default_factory=set)

    async def publish(self, outcomes: Iterable[Outcome]) -> None:
        """Hand outcomes over; batches leave when full. Raises KafkaAwayError once a delivery has failed."""
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                await self._refuse(outcome)
            else:
                await self._add(outcome.act.actor, outcome.value)

    async def push(self) -> None:
        """Send the batches that are not full yet."""
        for partition in list(self._open):
            await self._send(partition)

    async def flush(self) -> None:
        """Send everything and return when Kafka has acknowledged it."""
        await self.push()
        while self._under_way:
            self._check()
            under_way, first = set(self._under_way), asyncio.FIRST_COMPLETED
            done, _ = await asyncio.wait(under_way, timeout=self.give_up_s, return_when=first)
            if not done:
                raise _undelivered(TimeoutError(f"no answer for {self.give_up_s:g} s"))
            await asyncio.sleep(0)

    async def _add(self, key: bytes, value: bytes) -> None:
        partition = partition_of(key, self.partitions)
        batch = self._open.get(partition)
        if batch is not None and batch.append(timestamp=None, key=key, value=value) is not None:
            return
        if batch is not None:
            await self._send(partition)
        batch = self._open[partition] = self.producer.create_batch()
        batch.append(timestamp=None, key=key, value=value)

    async def _send(self, partition: int) -> None:
        self._check()
        batch = self._open.pop(partition)
        batch.close()
        count = batch.record_count()
        self._track(await self._handed_over(batch, partition), count)

    async def _handed_over(self, batch: BatchBuilder, partition: int) -> asyncio.Future[object]:
        try:
            future: asyncio.Future[object] = await self.producer.send_batch(
                batch, self.topics.engagements.name, partition=partition
            )
        except KafkaError as error:
            raise _undelivered(error) from error
        return future

    async def _refuse(self, refused: Refused) -> None:
        self.tally.refused[refused.error.reason] += 1
        if refused.error.reason in COUNTED_ONLY:
            return
        letter = letter_of(refused.error, refused.value, self.origin, refused.line, self.source, self.now_ms())
        try:
            future = await self.producer.send(
                self.topics.dead_letters.name, letter.value, partition=0, headers=letter.headers()
            )
        except KafkaError as error:
            raise _undelivered(error) from error
        self._track(future, 0)

    def _track(self, future: asyncio.Future[object], count: int) -> None:
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._acknowledged(done, count))

    def _acknowledged(self, done: asyncio.Future[object], count: int) -> None:
        if done.cancelled() or done.exception() is not None:
            return  # stays under way, where _check finds it
        self._under_way.discard(done)
        self.tally.sent += count

    def _check(self) -> None:
        for future in self._under_way:
            if future.done() and not future.cancelled() and (error := future.exception()) is not None:
                raise _undelivered(error) from error


def letter_of(error: BadRecordError, value: bytes, origin: str, line: int, source: str, at_ms: int) -> DeadLetter:
    """Return the dead letter of a refused record that stood at `line` of `origin`."""
    kept, detail = value[:MAX_LETTER_BYTES], error.detail
    if len(kept) < len(value):
        detail = f"cut to {MAX_LETTER_BYTES} of {len(value)} bytes: {detail}"
    return DeadLetter(kept, Reason(error.reason), detail, origin, 0, line, source, at_ms)


def _undelivered(error: BaseException) -> KafkaAwayError:
    remedy = "run the same command again: ids make repeats harmless"
    return KafkaAwayError(f"Kafka did not take everything ({error!r:.120}); {remedy}")
