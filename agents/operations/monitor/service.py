"""The monitor as a running service: looks at Kafka and at Redis in turn, and exports what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry, start_http_server
from redis.exceptions import RedisError

from agents.lookup.reader import connected
from agents.operations.monitor.calibration import CalibrationView
from agents.operations.monitor.lag import Lag
from agents.operations.monitor.metrics import BANDS, DIRECTIONS, LEADERS, PERCENTILES, MonitorMetrics
from agents.operations.monitor.population import Sample, bands, moved, percentiles, sampled, share_of_first
from agents.redis_connection import redis_login, redis_refusal
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.redis_keys import RedisKeys

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from streams.settings import Settings

REDIS_EVERY: Final = 3
"""A sample of the population is taken at every third look: it moves slowly."""
LOOK_LIMIT_S: Final = 30.0
TOLD_AGAIN_S: Final = 0.5
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor; `every_s` is the pause between looks, `most` the size of a sample."""

    settings: Settings
    metrics: MonitorMetrics
    every_s: float
    most: int

    async def run(self, stop: asyncio.Event) -> None:
        """Look at both servers until `stop`; what is away is told by a metric and tried again.

        Raises BadSettingError when Redis refuses this user.
        """
        ended = asyncio.ensure_future(stop.wait())
        looking = [asyncio.ensure_future(each) for each in (self._kafka(stop), self._redis(stop))]
        done, _ = await asyncio.wait([ended, *looking], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await _ended([ended, *looking])
        for each in done:
            each.result()

    async def _kafka(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            lag, view = Lag(self.settings), CalibrationView(self.settings)
            try:
                await lag.start()
                await view.start()
                while not stop.is_set():
                    async with asyncio.timeout(LOOK_LIMIT_S):
                        await self._look(lag, view)
                    self._saw("kafka")
                    await asyncio.sleep(self.every_s)
            except (KafkaError, OSError, TimeoutError) as error:
                self._missed("kafka", error)
            finally:
                await _closed(lag, view)
            await asyncio.sleep(self.every_s)

    async def _look(self, lag: Lag, view: CalibrationView) -> None:
        for waiting in await lag.look():
            place = (waiting.stage, str(waiting.partition))
            self.metrics.lag_records.labels(*place).set(waiting.records)
            if waiting.age_s is not None:
                self.metrics.lag_seconds.labels(*place).set(waiting.age_s)
        self.metrics.dead_letters.set(await lag.kept(self.settings.topics.dead_letters.name))
        await view.look()
        self.metrics.population.set(view.users)
        self.metrics.calibration_age.set(view.age_s)

    async def _redis(self, stop: asyncio.Event) -> None:
        redis = connected(self.settings.redis_url, **redis_login(self.settings))
        try:
            while not stop.is_set():
                await self._sample(redis)
                await asyncio.sleep(self.every_s * REDIS_EVERY)
        finally:
            await redis.aclose()

    async def _sample(self, redis: Redis) -> None:
        try:
            self._tell(await sampled(redis, RedisKeys(self.settings.redis_prefix), self.most))
        except (RedisError, OSError) as error:
            if (refused := redis_refusal(error, self.settings.redis_url)) is not None:
                raise refused from error
            self._missed("redis", error)
        else:
            self._saw("redis")

    def _tell(self, sample: Sample) -> None:
        m, scores = self.metrics, sample.scores
        m.ranked.set(sample.ranked)
        m.trending.set(sample.trending)
        shown = [score.score for score in scores]
        changes = [score.change_1d for score in scores if score.change_1d is not None]
        for q, at, change in zip(
            PERCENTILES, percentiles(shown, PERCENTILES), percentiles(changes, PERCENTILES), strict=True
        ):
            m.shown.labels(str(q)).set(at)
            m.change.labels(str(q)).set(change)
        for band, share in zip(BANDS, bands(shown), strict=True):
            m.band.labels(band).set(share)
        for direction, share in zip(DIRECTIONS, moved(changes), strict=True):
            m.moved.labels(direction).set(share)
        among, mass = max(1, len(scores)), sum(score.raw for score in scores)
        m.provisional.set(sum(score.provisional for score in scores) / among)
        m.mutual.set(sum(score.parts.relationships for score in scores) / mass if mass else 0.0)
        for first in LEADERS:
            m.leading.labels(str(first)).set(share_of_first(sample.leaders, first, mass / among, sample.ranked))

    def _saw(self, server: str) -> None:
        self.metrics.reached.labels(server).set(1)
        self.metrics.looks.labels(server).inc()

    def _missed(self, server: str, error: BaseException) -> None:
        self.metrics.reached.labels(server).set(0)
        log.warning("look failed", of=server, error=repr(error)[:200])


async def serve(settings: Settings, port: int, every_s: float, most: int) -> None:
    """Run the monitor until SIGTERM or SIGINT; BadSettingError when Kafka or Redis refuse this user."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await require_rights(settings, Role.AUDITOR)
    registry = CollectorRegistry()
    metrics = MonitorMetrics(registry, settings.partitions)
    start_http_server(port, settings.metrics_host, registry)
    sys.stderr.write(f"monitor: metrics on {settings.metrics_host}:{port}\n")
    await Monitor(settings, metrics, every_s, most).run(stop)


async def _ended(tasks: list[asyncio.Future[Any]]) -> None:
    """Return when all have ended; told again, because clients may swallow being cancelled once."""
    waiting = set(tasks)
    while waiting:
        for each in waiting:
            each.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=TOLD_AGAIN_S)


async def _closed(lag: Lag, view: CalibrationView) -> None:
    """Close what was opened; a broker that is away cannot answer a goodbye."""
    for each in (lag, view):
        with contextlib.suppress(KafkaError, OSError):
            await each.stop()
