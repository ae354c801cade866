"""Appends that only the owner of a partition can make, without transactions.

To claim a partition its new owner raises the producer epoch of that partition's transactional id and appends
one ordinary record with it. From then on the partition's leader refuses every batch of an older epoch, so a
paused former owner can never write again. State is read only after the claim. One batch is in flight per
partition and a batch is sent again under its own sequence number, so nothing is ever doubled, reordered or
skipped; the first failure closes the lane for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.client import AIOKafkaClient

from schemas.errors import BrokenGuaranteeError, FencedError
from streams.clock import wall_ms
from streams.engine.appends import Appends
from streams.engine.batches import Batch, Producer, Records, encoded, grouped
from streams.engine.crashpoints import reach
from streams.engine.layout import CLAIM, PROBE, STATE, STATE_VERSION
from streams.engine.records import Record
from streams.engine.requests import init_producer

TIMEOUT_S: Final = 30.0
REQUEST_TIMEOUT_MS: Final = 10_000
MAX_BATCH_BYTES: Final = 15 * 1024 * 1024
Lanes = dict[tuple[str, int], "Lane"]


@dataclass(slots=True)
class Lane:
    """One ordered sequence of batches to one partition."""

    pid: int
    epoch: int
    sequence: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    closed: bool = False
    appended_at: float = field(default_factory=time.monotonic)
    claimed_at: float = field(default_factory=time.monotonic)

    def restart(self, pid: int, epoch: int) -> None:
        """Go on under a new epoch, whose sequence starts at 0."""
        self.pid, self.epoch, self.sequence = pid, epoch, 0
        self.claimed_at = time.monotonic()


class FencedWriter:
    """Writes for one application; its claims fence earlier owners out, partition by partition."""

    def __init__(
        self,
        bootstrap: str | Sequence[str],
        app_id: str,
        *,
        security: dict[str, Any] | None = None,
        timeout_s: float = TIMEOUT_S,
        stamp_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """Prepare; connects on first use. `security` is passed on to aiokafka's client."""
        self._bootstrap = bootstrap
        self._app_id = app_id
        self._security = security or {}
        self._timeout_s = timeout_s
        self._stamp_ms = stamp_ms
        self._client: AIOKafkaClient | None = None
        self._connecting = asyncio.Lock()
        self._appends = Appends(self._connected, timeout_s)
        self._owned: Lanes = {}
        self._open: dict[tuple[str, int, str], Lane] = {}

    async def claim(self, topic: str, partition: int) -> int:
        """Become the only owner of the partition; return the last offset of the claim.

        With it the log says which version of the state is written from here on.
        """
        name = self._transactional_id(topic, partition)
        lane = Lane(*await init_producer(await self._connected(), name, self._timeout_s))
        self._owned[topic, partition] = lane
        reach("claiming")
        return await self._append_claim(topic, partition, lane, (STATE + b"%d" % STATE_VERSION, b"", ()))

    def release(self, topic: str, partition: int) -> None:
        """Forget the partition; the next owner fences this one out."""
        self._owned.pop((topic, partition), None)

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Append to a claimed partition; return the last offset once all is acknowledged."""
        return await self.append_packed(topic, partition, grouped(records))

    async def append_packed(self, topic: str, partition: int, batches: Iterable[Batch]) -> int:
        """Append framed batches to a claimed partition; return the last offset, -1 when it is unknown."""
        lane = self._owned.get((topic, partition))
        if lane is None:
            message = f"{topic}-{partition}: not claimed by this worker"
            raise FencedError(message)
        return await self._send_all(topic, partition, lane, batches)

    async def append_open(self, topic: str, partition: int, records: Records, *, lane: str) -> int:
        """Append, in order and without doubles, to a topic that others write too; return the last offset."""
        found = await self._open_lane(topic, partition, lane)
        return await self._send_all(topic, partition, found, grouped(records))

    async def refresh(self, idle_s: float, old_s: float) -> None:
        """Keep claims alive: brokers forget idle producers after a day, transactional ids after a week.

        A lane idle for `idle_s` gets a claim record; one claimed `old_s` ago raises its epoch, which the
        broker refuses when anybody else has claimed since.
        """
        now = time.monotonic()
        for (topic, partition), lane in list(self._owned.items()):
            if now - lane.claimed_at >= old_s:
                await self._raise_epoch(topic, partition, lane)
            elif now - lane.appended_at >= idle_s:
                await self._append_claim(topic, partition, lane)

    async def probe(self, topic: str, partition: int = 0) -> None:
        """Prove on this very broker that an older epoch is refused; BrokenGuaranteeError when it is not.

        Writes two records that recovery ignores, under a producer of its own.
        """
        client = await self._connected()
        name = f"{self._app_id}-probe-{time.monotonic_ns()}"
        older = Lane(*await init_producer(client, name, self._timeout_s))
        newer = Lane(*await init_producer(client, name, self._timeout_s))
        await self._send_all(topic, partition, newer, grouped([(PROBE, b"newer", ())]))
        try:
            await self._send_all(topic, partition, older, grouped([(PROBE, b"older", ())]))
        except FencedError:
            return
        message = "this broker accepts appends of an older producer epoch; two workers could write one partition"
        raise BrokenGuaranteeError(message)

    async def stop(self) -> None:
        """Close the connections; lanes stay as they are."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _transactional_id(self, topic: str, partition: int) -> str:
        return f"{self._app_id}-{topic}-{partition}"

    async def _connected(self) -> AIOKafkaClient:
        async with self._connecting:
            if self._client is None:
                client = AIOKafkaClient(
                    bootstrap_servers=self._bootstrap,
                    client_id=f"{self._app_id}-fenced",
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    **self._security,
                )
                await client.bootstrap()
                self._client = client
        return self._client

    async def _open_lane(self, topic: str, partition: int, name: str) -> Lane:
        key = (topic, partition, name)
        if key not in self._open:
            pid, epoch = await init_producer(await self._connected(), None, self._timeout_s)
            self._open.setdefault(key, Lane(pid, epoch))
        return self._open[key]

    async def _append_claim(self, topic: str, partition: int, lane: Lane, *also: Record) -> int:
        note = f"{lane.pid}/{lane.epoch}".encode()
        return await self._send_all(topic, partition, lane, grouped([(CLAIM, note, ()), *also]))

    async def _raise_epoch(self, topic: str, partition: int, lane: Lane) -> None:
        async with lane.lock:
            name = self._transactional_id(topic, partition)
            present = (lane.pid, lane.epoch)
            lane.restart(*await init_producer(await self._connected(), name, self._timeout_s, present))
        await self._append_claim(topic, partition, lane)

    async def _send_all(self, topic: str, partition: int, lane: Lane, batches: Iterable[Batch]) -> int:
        async with lane.lock:
            if lane.closed:
                message = f"{topic}-{partition}: an earlier append failed, so no later one may follow"
                raise FencedError(message)
            last = -1
            lane.closed = True  # until every batch is acknowledged: whatever interrupts, nothing may follow
            for batch in batches:
                last = await self._send(topic, partition, lane, batch)
            lane.closed = False
            lane.appended_at = time.monotonic()
            return last

    async def _send(self, topic: str, partition: int, lane: Lane, batch: Batch) -> int:
        raw = encoded(batch, Producer(lane.pid, lane.epoch, lane.sequence), self._stamp_ms())
        if len(raw) > MAX_BATCH_BYTES:
            message = f"{topic}-{partition}: {batch.count} records of one user take {len(raw)} bytes in one batch"
            raise BrokenGuaranteeError(message)
        base = await self._appends.append(topic, partition, raw)
        lane.sequence += batch.count
        return base + batch.count - 1 if base >= 0 else -1
