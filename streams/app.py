"""Puts a worker together: a Faust app with the engine on it, the two stages, and the scorer's loops."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
from faust.auth import Credentials, SASLCredentials, SSLCredentials

from streams.engine.chunk import Chunk
from streams.engine.engine import Engine
from streams.engine.failure import OnFailure, end_process
from streams.engine.install import faust_settings
from streams.engine.partition import Partition
from streams.formula import parameters_of
from streams.metrics import EngineAdapter, Metrics
from streams.model.parameters import model_name
from streams.security import kafka_security
from streams.settings import Settings
from streams.stages.actor import ActorStage
from streams.stages.departure import Departure
from streams.stages.emission import Emission
from streams.stages.exchange import Exchange
from streams.stages.forward import Forwarder
from streams.stages.letters import Outbox
from streams.stages.linking import Linking, until_free
from streams.stages.relay import Relay
from streams.stages.scorer import Scorer
from streams.stages.stream_time import StreamTime
from streams.stages.suppression import Suppression
from streams.stages.target import TargetStage, store_progress
from streams.stages.versions import store_reserve, versions_of


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's parts, bound to one Faust app."""

    app: faust.App
    engine: Engine
    scorer: Scorer
    metrics: Metrics


def build(settings: Settings, on_failure: OnFailure = end_process) -> Worker:
    """Return a worker that has not started; nothing is global, so that two can live in one process."""
    topics, metrics = settings.topics, Metrics()
    app = _app(settings)
    hash_key = settings.hash_key.encode()
    engine = Engine(
        app, hash_key=hash_key, partitions=settings.partitions, metrics=EngineAdapter(metrics), on_failure=on_failure
    )
    parameters, stream_time = parameters_of(settings), StreamTime()
    forwarder = Forwarder(lambda: engine.writer, topics.credits.name, settings.partitions)
    outbox = Outbox(lambda: engine.writer, topics)
    said = Suppression()
    actor = ActorStage(settings, parameters, forwarder, outbox, stream_time, metrics, engine.security, said)
    relay = Relay(said, forwarder, settings.partitions, parameters, stream_time, metrics)
    target = TargetStage(settings.partitions, parameters, outbox, stream_time, metrics, suppression=said, relay=relay)

    async def prepare_actor(partition: Partition, chunk: Chunk) -> None:
        await actor.prepare(partition, chunk)
        await prepare_target(partition, chunk)

    async def prepare_target(partition: Partition, _chunk: Chunk) -> None:
        await said.known.wait()
        await until_free(partition, said)

    engine.step("actor", topics.engagements.name, actor.apply, prepare=prepare_actor, after=actor.wait_for_room)
    engine.step("target", topics.credits.name, target.apply, prepare=prepare_target)
    engine.barrier.before += [forwarder.flush, outbox.flush, _storing(engine)]
    engine.barrier.on_commit.append(lambda: _reserved(engine))
    engine.on_lost.append(forwarder.lose)
    model = model_name(settings.profile, parameters)
    emission = Emission(topics.scores.name, settings.emit_interval_s, parameters, model, lambda: engine.writer, metrics)
    exchange = Exchange(settings, lambda: engine.writer, stream_time, parameters, model)
    linking = Linking(
        topics.scores.name,
        said,
        forwarder,
        settings.partitions,
        lambda: engine.writer,
        engine.barrier.run,
        parameters,
    )
    departure = Departure(topics.scores.name, said, lambda: engine.writer, engine.barrier.run, metrics, linking)
    scorer = Scorer(settings, engine, forwarder, outbox, emission, departure, exchange, stream_time, metrics)
    for loop in scorer.loops():
        app.task(_fatal(loop, engine))
    return Worker(app, engine, scorer, metrics)


def _app(settings: Settings) -> faust.App:
    return faust.App(
        settings.topics.app_id,
        broker=[f"kafka://{server}" for server in settings.bootstrap.split(",")],
        broker_credentials=_credentials(settings),
        datadir=Path(tempfile.gettempdir()) / f"{settings.topics.app_id}-faust",
        **faust_settings(
            partitions=settings.partitions,
            session_timeout_s=settings.session_timeout_s,
            commit_interval_s=settings.commit_interval_s,
            standby_replicas=settings.standbys,
            max_chunk=settings.chunk_events,
            member_name=settings.member_name,
        ),
    )


def _credentials(settings: Settings) -> Credentials | None:
    """Return what Faust needs to be let in; None for a plain broker."""
    security = kafka_security(settings)
    context: ssl.SSLContext | None = security.get("ssl_context")
    if "sasl_mechanism" in security:
        return SASLCredentials(
            username=security["sasl_plain_username"],
            password=security["sasl_plain_password"],
            ssl_context=context,
            mechanism=security["sasl_mechanism"],
        )
    return None if context is None else SSLCredentials(context)


def _storing(engine: Engine) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a stage of the barrier that hands the stages' memory of every partition to its metas."""

    async def nothing() -> None:
        """Nothing is to be sent: the metas travel with the rows."""

    def store() -> Coroutine[Any, Any, None]:
        for partition in _recovered(engine):
            store_progress(partition)
            store_reserve(partition)
        return nothing()

    return store


def _reserved(engine: Engine) -> None:
    for partition in _recovered(engine):
        versions_of(partition).reserved()


def _recovered(engine: Engine) -> list[Partition]:
    """Return the partitions with state, also in the last barrier before they are lost."""
    return [partition for partition in engine.actives() if partition.recovered]


def _fatal(loop: Callable[[], Awaitable[None]], engine: Engine) -> Callable[[], Awaitable[None]]:
    """Return `loop` such that whatever ends it ends the worker."""

    async def run() -> None:
        try:
            await loop()
        except Exception as error:
            engine.fail(error)
            raise

    return run
