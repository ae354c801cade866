"""The engine on a Faust app: exact per-user state, one table, any number of steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final, cast

import faust
import numpy as np
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

from schemas.errors import BrokenGuaranteeError
from schemas.topics import USERS_TABLE
from streams.engine import store
from streams.engine.barrier import Barrier
from streams.engine.chunk import Chunk
from streams.engine.crashpoints import arm, reach
from streams.engine.failure import OnFailure, end_process
from streams.engine.fencing import FencedWriter
from streams.engine.log_noise import quieten
from streams.engine.log_reader import read_log
from streams.engine.metrics import EngineMetrics, NoMetrics
from streams.engine.partition import Partition
from streams.engine.private_names import check_private_names
from streams.engine.raw_fetch import read_raw
from streams.engine.scheduler import ChunkSchema
from streams.engine.steps import After, Apply, Prepare, Step
from streams.engine.store import SlabStore
from streams.engine.transport import Consumer, Transport

REVOKE_COMMIT_S: Final = 10.0
SETTLE_ABOVE: Final = 50_000
"""Changed pairs of a partition beyond which a step waits for a barrier: a user's pairs go into one batch."""
IDLE_CLAIM_S: Final = 3600.0
OLD_CLAIM_S: Final = 86_400.0
DEFAULT_PORT: Final = 9092


class Engine:
    """Transport, store, barrier and fenced writer on an app whose settings come from `faust_settings`."""

    def __init__(
        self,
        app: faust.App,
        *,
        hash_key: bytes,
        partitions: int,
        metrics: EngineMetrics | None = None,
        on_failure: OnFailure = end_process,
    ) -> None:
        """Prepare the app before it starts; BadSettingError when the installed Faust lacks something."""
        check_private_names()
        quieten()
        arm()
        self.app = app
        self.metrics: EngineMetrics = metrics or NoMetrics()
        self.on_lost: list[Callable[[frozenset[int]], None]] = []
        self.failure: BaseException | None = None
        self._hash_key = hash_key
        self._on_failure = on_failure
        self._writer: FencedWriter | None = None
        self._store: SlabStore | None = None
        store.register()
        app.transport = Transport(app.conf.broker_consumer, app, self)
        self._end_on_crash()
        self.table = app.Table(
            USERS_TABLE,
            store=store.URL,
            schema=ChunkSchema(),
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            recovery_buffer_size=2,
            standby_buffer_size=2,
            options={"engine": self},
        )
        self.changelog_topic = f"{app.conf.id}-{USERS_TABLE}-changelog"
        read_raw(self.changelog_topic)
        self.barrier = Barrier(self.changelog_topic, lambda: self.writer, self.actives, self.metrics)
        app.task(self._upkeep)

    @property
    def consumer(self) -> Consumer:
        """The app's consumer."""
        found: Any = self.app.consumer
        return cast("Consumer", found)

    @property
    def bootstrap(self) -> list[str]:
        """The brokers' addresses, as aiokafka takes them."""
        return list(server_list(self.app.conf.broker_producer, DEFAULT_PORT))

    @property
    def security(self) -> dict[str, Any]:
        """What aiokafka's clients need to be let in."""
        conf = self.app.conf
        return dict(credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context))

    @property
    def writer(self) -> FencedWriter:
        """The fenced writer, made on first use in the running loop."""
        if self._writer is None:
            self._writer = FencedWriter(self.bootstrap, self.app.conf.id, security=self.security)
        return self._writer

    @property
    def ready(self) -> bool:
        """Whether state may be read and changed: partitions recovered, no rebalance going on."""
        if self.app.rebalancing or self.app.in_recovery or self._store is None or self.consumer.revoking:
            return False
        return all(partition.recovered for partition in self._store.actives())

    def partitions(self) -> list[Partition]:
        """Return the partitions this worker owns and has recovered; none while a rebalance goes on."""
        return self.actives() if self.ready else []

    def step(
        self,
        name: str,
        topic: str,
        apply: Apply,
        *,
        prepare: Prepare | None = None,
        after: After | None = None,
    ) -> None:
        """Register `apply` for every chunk of `topic`, whose partitions must be those of the users table."""
        read_raw(topic)
        channel = self.app.topic(topic, schema=ChunkSchema())
        step = Step(self, name, apply, prepare, after)

        async def run(stream: Any) -> None:
            await step.run(stream)

        self.app.agent(channel, name=name)(run)

    def fail(self, error: BaseException) -> None:
        """End the worker because of `error`; the first one counts."""
        if self.failure is None:
            self.failure = error
            self._on_failure(error)

    async def stop(self) -> None:
        """Close the writer's connections, after the app has stopped."""
        if self._writer is not None:
            await self._writer.stop()
            self._writer = None

    # What the transport, the store and the steps call.

    def attach(self, attached: SlabStore) -> None:
        """Use this store from now on."""
        self._store = attached

    def new_partition(self, number: int) -> Partition:
        """Return an empty partition."""
        return Partition(number, self._hash_key)

    def read_changelog(self, number: int, first: int, end: int) -> AsyncIterator[Chunk]:
        """Yield the changelog records `first`..`end` - 1 of a partition."""
        return read_log(self.bootstrap, self.changelog_topic, number, first, end, **self.security)

    def owned(self, chunk: Chunk) -> Partition | None:
        """Return the recovered active partition that the chunk belongs to."""
        found = self._store.partitions.get(chunk.partition) if self._store is not None else None
        return found if found is not None and found.active and found.recovered else None

    async def barrier_before_commit(self, offsets: Mapping[Any, int]) -> None:  # noqa: ARG002
        """Run the barrier; whatever goes wrong ends the worker before anything is committed."""
        try:
            await self.barrier.run()
        except Exception as error:
            self.fail(error)
            message = f"barrier failed: {error!r}"
            raise ProducerSendError(message) from error

    async def commit_before_revoke(self, consumer: Consumer) -> None:
        """Make everything durable and commit it; a commit that hangs is left to the next owner's replay."""
        try:
            await asyncio.wait_for(self.barrier_before_commit({}), self.writer_timeout_s)
        except TimeoutError as error:
            self.fail(error)
            raise
        try:
            await asyncio.wait_for(consumer.commit(), REVOKE_COMMIT_S)
        except TimeoutError as error:
            if self.barrier.interrupted:
                self.fail(error)
                raise
            consumer.log.warning("commit before revocation timed out; the next owner repeats it")

    @property
    def writer_timeout_s(self) -> float:
        """How long a barrier may take before the worker gives up: what the broker allows for a rebalance."""
        return float(self.app.conf.broker_rebalance_timeout or self.app.conf.broker_session_timeout)

    async def take_ownership(self, lost: Iterable[int], actives: Iterable[int]) -> None:
        """Let go of `lost` and claim every one of `actives`; the barrier must be held."""
        if self.barrier.interrupted:
            message = "a barrier was cut short; what it took is not durable"
            self.fail(BrokenGuaranteeError(message))
        gone = frozenset(lost)
        for number in gone:
            self.writer.release(self.changelog_topic, number)
        for callback in self.on_lost:
            callback(gone)
        try:
            await asyncio.gather(*[self._claim(number) for number in actives])
        except Exception as error:
            self.fail(error)
            raise
        reach("claimed")

    def _end_on_crash(self) -> None:
        """Turn a crash of any part of the app into one line and an exit code."""
        app: Any = self.app
        crash_tidily = app._crash

        def crash(reason: BaseException) -> None:
            self.fail(reason)
            crash_tidily(reason)

        app._crash = crash

    async def settle(self, number: int) -> None:
        """Run a barrier when the partition holds so many changed pairs that a user's may outgrow a batch."""
        partition = self._store.partitions.get(number) if self._store is not None else None
        if partition is not None and np.count_nonzero(partition.state.pairs.dirty) > SETTLE_ABOVE:
            await self.barrier_before_commit({})

    async def _claim(self, number: int) -> None:
        await self.writer.claim(self.changelog_topic, number)
        self.metrics.claimed(number)

    def actives(self) -> list[Partition]:
        """Return the partitions this worker owns, recovered or not, also while it is about to lose them."""
        return self._store.actives() if self._store is not None else []

    async def _upkeep(self) -> None:
        """Make durable what changed without an event, and keep claims alive."""
        interval_s = self.app.conf.broker_commit_interval
        while not self.app.should_stop:
            await asyncio.sleep(interval_s)
            if not self.ready:
                continue
            if any(partition.is_dirty for partition in self.actives()):
                await self.barrier_before_commit({})
            await self._refresh_claims()

    async def _refresh_claims(self) -> None:
        async with self.barrier.lock:
            try:
                await self.writer.refresh(IDLE_CLAIM_S, OLD_CLAIM_S)
            except Exception as error:
                self.fail(error)
                raise
