"""The scorer: the loops beside the stages that turn state into scores: forward, emit, sweep, report, calibrate.

They run while the worker is ready (not rebalancing, not recovering). Whatever breaks in one of them breaks the
worker: a scorer that has stopped in silence would be worse than one that is restarted.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.report import Report
from streams.stages.departure import Departure
from streams.stages.follow import follow
from streams.stages.obeyed import obeyed
from streams.stages.pending import pending_of
from streams.stages.sweep import Swept, sweep
from streams.stages.target import progress_of
from streams.stages.versions import versions_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiokafka import ConsumerRecord

    from streams.engine.engine import Engine
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.settings import Settings
    from streams.stages.emission import Emission
    from streams.stages.exchange import Exchange
    from streams.stages.forward import Forwarder
    from streams.stages.letters import Outbox
    from streams.stages.stream_time import StreamTime

EMIT_EVERY_S = 0.04
"""Least pause between two emissions; after a long one as long again, so that a backlog is worked off first."""
LEAST_SWEEP_PAUSE_S = 0.2
SWEEP_SHARE = 30.0
"""A sweep is followed by a pause of this many times its own length, so that small states settle at once."""
TELL_EVERY_S = 0.1
_SWEPT = "swept"


@dataclass(slots=True)
class Scorer:
    """One worker's loops; everything they need is handed in."""

    settings: Settings
    engine: Engine
    forwarder: Forwarder
    outbox: Outbox
    emission: Emission
    departure: Departure
    exchange: Exchange
    stream_time: StreamTime
    metrics: Metrics
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    def loops(self) -> list[Callable[[], Awaitable[None]]]:
        """Return the loops, each running for ever."""
        return [
            self._follow_maps,
            self._follow_commands,
            self._forward,
            self._emit,
            self._sweep,
            self._report,
            self._tell,
        ]

    async def _follow_maps(self) -> None:
        def learn(record: ConsumerRecord) -> None:
            if record.value is not None:
                self.exchange.learn(record.key, record.value)

        await follow(self.settings, self.settings.topics.calibration, learn, self.caught_up)

    async def _follow_commands(self) -> None:
        said = self.departure.suppression
        await follow(
            self.settings,
            self.settings.topics.commands,
            lambda record: said.take(record.offset, record.timestamp, record.value),
            said.known,
        )

    async def _forward(self) -> None:
        while True:
            await asyncio.sleep(self.settings.forward_interval_s)
            await self.forwarder.flush()
            await self.outbox.flush()

    async def _emit(self) -> None:
        await self.caught_up.wait()
        while True:
            began, published, partitions = time.monotonic(), self.exchange.newest, self._scored()
            await self.departure.obey(self.engine.partitions())
            if any(pending_of(p).any and not versions_of(p).room() for p in partitions):
                await self.engine.barrier.run()  # makes a new reserve of versions durable
            elif published is not None:
                await self.emission.emit(partitions, self.stream_time.now_s, published)
            await asyncio.sleep(max(EMIT_EVERY_S, time.monotonic() - began))

    async def _sweep(self) -> None:
        """Sweep each partition whenever stream time or the map has moved since its last sweep."""
        await self.caught_up.wait()
        while True:
            began = time.monotonic()
            for partition in self._scored():
                if not self._is_swept(partition):
                    at_s, published = self.stream_time.now_s, self.exchange.newest
                    partition.extra[_SWEPT] = await sweep(
                        partition,
                        self._applied(partition),
                        at_s,
                        published,
                        self.emission.parameters,
                        partition.extra.get(_SWEPT),
                    )
            pause_s = max(LEAST_SWEEP_PAUSE_S, SWEEP_SHARE * (time.monotonic() - began))
            await asyncio.sleep(min(self.settings.sweep_interval_s, pause_s))

    async def _report(self) -> None:
        """Publish what has changed; have the state made durable first when nothing else is left to do."""
        await self.caught_up.wait()
        while True:
            await asyncio.sleep(self.settings.calibration_interval_s)
            partitions = self._scored()
            self.exchange.forget([p.number for p in partitions])
            if any(self._is_quiet(p) for p in partitions):
                await self.engine.barrier.run()
            for partition in partitions:
                swept: Swept | None = partition.extra.get(_SWEPT)
                if swept is not None and partition.active:
                    await self.exchange.report(self._reported(partition, swept))
            if any(p.number == 0 for p in partitions):
                await self.exchange.merge()
            self._measure(partitions)

    def _scored(self) -> list[Partition]:
        """Return the partitions to score: none before the first event, when there is no time to score at."""
        return self.engine.partitions() if self.stream_time.now_s > 0 else []

    def _map_version(self) -> int:
        return self.exchange.newest.version if self.exchange.newest is not None else 0

    def _is_swept(self, partition: Partition) -> bool:
        swept: Swept | None = partition.extra.get(_SWEPT)
        return (
            swept is not None
            and swept.at_s == self.stream_time.now_s
            and swept.map_version == self._map_version()
            and swept.applied == self._applied(partition)
        )

    def _applied(self, partition: Partition) -> int:
        return progress_of(partition, self.settings.partitions).applied

    def _is_quiet(self, partition: Partition) -> bool:
        """Whether every score of the partition is acknowledged under the newest map and stream time."""
        return self._is_swept(partition) and not pending_of(partition).any

    def _reported(self, partition: Partition, swept: Swept) -> Report:
        settled = self._is_quiet(partition) and not partition.state.dirty[: partition.state.count].any()
        return Report(
            partition=partition.number,
            as_of=round(swept.at_s * 1000),
            users=swept.users,
            influence=swept.influence,
            relationships=swept.relationships,
            applied=swept.applied,
            settled=swept.applied if settled else 0,
            map_version=swept.map_version,
            commands=obeyed(partition),
        )

    async def _tell(self) -> None:
        """Keep the ready file and the number of partitions true; whoever restarts workers waits for them."""
        await self.caught_up.wait()
        told = None
        while True:
            if self.settings.ready_file and told != self.engine.ready:
                told = self.engine.ready
                self._say(ready=told)
            self.metrics.partitions.set(len(self._scored()))
            await asyncio.sleep(TELL_EVERY_S)

    def _say(self, *, ready: bool) -> None:
        path = Path(self.settings.ready_file)
        if ready:
            path.write_text(str(os.getpid()), encoding="ascii")
        else:
            path.unlink(missing_ok=True)

    def _measure(self, partitions: list[Partition]) -> None:
        self.metrics.users.set(sum(p.state.count for p in partitions))
        self.metrics.pairs.set(sum(len(p.state.pairs) for p in partitions))
        self.metrics.stream_time.set(self.stream_time.now_s)
        self.metrics.calibration_version.set(self._map_version())
