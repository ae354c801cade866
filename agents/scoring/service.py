"""The scoring agent as a running service: connections, readiness, clean end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry, start_http_server
from redis.exceptions import RedisError

from agents.redis_connection import redis_login, redis_refusal, wrong_protocol
from agents.rights.kafka_check import require_rights
from agents.scoring.agent import ScoringAgent
from agents.scoring.meta import Meta, clear
from agents.scoring.metrics import ScoringMetrics
from agents.scoring.outage import Patience, StoppedError
from agents.scoring.score_scan import warm
from agents.scoring.writer import ScoreWriter, connected
from agents.topics import require
from schemas.access import Role
from schemas.errors import BadSettingError, RenownError
from schemas.redis_keys import RedisKeys
from schemas.score import CONTRACT_VERSION
from schemas.versions import newer_text
from streams.engine.crashpoints import arm
from streams.security import kafka_client, require_login
from streams.settings import Settings

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
STOP_LIMIT_S = 5.0
NO_LIMIT_MS = 2**31 - 1
"""An outage of Redis may last: the consumer then rests on purpose and must stay in its group."""
log = structlog.get_logger()


class OtherLogError(RenownError):
    """Redis holds scores that came from another Kafka cluster or topic."""

    def __init__(self, found: str, ours: str) -> None:
        super().__init__(f"Redis holds the scores of {found}, this is {ours}; run `renown scoring --rebuild`")


async def serve(settings: Settings, now_ms: Callable[[], int], *, rebuild: bool, metrics_port: int) -> None:
    """Run the agent until SIGTERM or SIGINT; `rebuild` empties Redis first. Raises RenownError."""
    arm()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    registry = CollectorRegistry()
    metrics = ScoringMetrics(registry)
    if metrics_port:
        start_http_server(metrics_port, settings.metrics_host, registry)
    await run(settings, now_ms, metrics, stop, _ready, rebuild=rebuild)


async def run(
    settings: Settings,
    now_ms: Callable[[], int],
    metrics: ScoringMetrics,
    stop: asyncio.Event,
    ready: Callable[[], None],
    *,
    rebuild: bool = False,
) -> None:
    """Run the agent until `stop`; `ready` is called once it has taken up its work. Raises RenownError."""
    redis, keys = connected(settings.redis_url, **redis_login(settings)), RedisKeys(settings.redis_prefix)
    await asyncio.to_thread(warm)
    try:
        if (refused := await wrong_protocol(settings.redis_url)) is not None:
            raise refused
        with contextlib.suppress(StoppedError):
            async with _consuming(settings, stop) as (consumer, log_id):
                meta = Meta(redis, keys, now_ms(), log_id)
                await _same_log(meta, Patience(stop, metrics), rebuild=rebuild)
                agent = ScoringAgent(consumer, ScoreWriter(redis, keys), meta, metrics, stop, now_ms)
                consumer.subscribe([settings.topics.scores.name], listener=agent)
                await agent.run(ready)
    except KafkaError as error:
        remedy = "the agent can be started again"
        raise RenownError(f"Kafka at {settings.bootstrap} failed: {error!r:.200}; {remedy}") from error
    except (RedisError, OSError) as error:
        if (refused := redis_refusal(error, settings.redis_url)) is not None:
            raise refused from error
        remedy = "check its version (6.2 or later), password and permissions"
        raise RenownError(f"Redis refuses our writes: {error!s:.200}; {remedy}") from error
    finally:
        await redis.aclose()


def _ready() -> None:
    sys.stderr.write("scoring: ready\n")
    sys.stderr.flush()


async def _same_log(meta: Meta, patience: Patience, *, rebuild: bool) -> None:
    """Raise OtherLogError unless Redis is empty, ours or emptied now; BadSettingError when a newer release fills it."""
    if rebuild:
        removed = await patience.until_done(lambda: clear(meta.redis, meta.keys))
        log.info("redis emptied", keys=removed)
    contract = await patience.until_done(meta.found_contract)
    if contract > CONTRACT_VERSION:
        remedy = (
            f"{newer_text('contract', contract, CONTRACT_VERSION)}; run that release, or `renown scoring --rebuild`"
        )
        raise BadSettingError(f"Redis {meta.keys.meta()} contract_version", contract, remedy)
    found = await patience.until_done(meta.found_log)
    if found is not None and found != meta.log_id:
        raise OtherLogError(found, meta.log_id)


@asynccontextmanager
async def _consuming(settings: Settings, stop: asyncio.Event) -> AsyncIterator[tuple[AIOKafkaConsumer, str]]:
    """Give a started consumer and the name of the log; wait for Kafka as long as it takes."""
    pause, told = FIRST_PAUSE_S, False
    while True:
        await require_rights(settings, Role.SCORING)
        consumer = _consumer(settings)
        try:
            log_id = await _log_id(settings)
            await require(settings, [settings.topics.scores])
            await consumer.start()
            break
        except BadSettingError:
            await consumer.stop()
            raise
        except (KafkaError, OSError) as error:
            await consumer.stop()
            await require_login(settings)
            if not told:
                log.warning("kafka away", bootstrap=settings.bootstrap, error=str(error)[:200])
                told = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
            raise StoppedError
        pause = min(pause * 2, LONGEST_PAUSE_S)
    try:
        yield consumer, log_id
    finally:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(consumer.stop(), STOP_LIMIT_S)


def _consumer(settings: Settings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **kafka_client(settings),
        client_id="renown-scoring",
        group_id=settings.topics.scoring_group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=NO_LIMIT_MS,
        session_timeout_ms=int(settings.session_timeout_s * 1000),
        heartbeat_interval_ms=max(200, int(settings.session_timeout_s * 1000 / 10)),
        fetch_max_wait_ms=50,
    )


async def _log_id(settings: Settings) -> str:
    """Return cluster id and topic: what tells one log from another."""
    admin = AIOKafkaAdminClient(**kafka_client(settings))
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    finally:
        await admin.close()
    return f"{cluster.get('cluster_id') or 'unknown'}/{settings.topics.scores.name}"
