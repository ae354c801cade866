"""`renown bench scores`: what a score costs the scoring agent and Redis, from its record's bytes to the reply."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
import psutil
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from agents.bench.figures import Figure, Run
from agents.bench.progress import Advance, Shown
from agents.bench.score_records import ScoreRecords
from agents.scoring.entries import newest
from agents.scoring.records import read
from agents.scoring.score_scan import warm
from agents.scoring.writer import ScoreWriter, connected
from deploy.local import ports, process
from deploy.local.progress import Shown as Notices
from deploy.local.redis import STOP_LIMIT_S, RedisServer
from deploy.local.state import RedisState
from schemas.redis_keys import RedisKeys

POLL: Final = 4_000
"""Records of a poll, as the agent takes them at most."""
FIGURES: Final = (
    Figure("agent_cpu_us_per_score", "µs", "CPU of reading the record, packing, sending, and the reply"),
    Figure("redis_cpu_us_per_score", "µs", "CPU of Redis, its log of writes included"),
    Figure("log_bytes_per_score", "B", "growth of Redis' log of writes"),
    Figure("first_agent_cpu_us_per_score", "µs", "the same for users that Redis does not hold yet"),
    Figure("first_redis_cpu_us_per_score", "µs", "the same for users that Redis does not hold yet"),
    Figure("scores_per_s", "scores/s", "by the clock: agent and Redis take turns"),
)


@dataclass(frozen=True, slots=True)
class ScoresJob:
    """`users` people, each scored once, then `updates` scores of people drawn evenly."""

    users: int
    updates: int
    seed: int

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        return asdict(self)


@dataclass(slots=True)
class Spent:
    """CPU seconds of both sides, seconds by the clock, and scores."""

    agent_s: float = 0.0
    redis_s: float = 0.0
    seconds: float = 0.0
    scores: int = 0


def measure(job: ScoresJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures; raises PartFailedError when Redis cannot be started."""
    warm()
    with _own_redis() as state:
        return asyncio.run(_timed(job, state, shown)), {"versions": {"redis": state.version}}


@contextmanager
def _own_redis() -> Iterator[RedisState]:
    """Give a server set up as `renown up` does, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="renown-bench-") as name:
        started: list[RedisState] = []
        server = RedisServer(Path(name), Notices(sys.stderr))
        try:
            yield server.start(None, started.append)
        finally:
            for state in started:
                process.stop(state.process, STOP_LIMIT_S)


async def _timed(job: ScoresJob, state: RedisState, shown: Shown) -> Run:
    assert state.process is not None
    redis, server = connected(f"redis://{ports.HOST}:{state.port}/0"), psutil.Process(state.process.pid)
    try:
        # A rewrite of the log runs beside and disturbs; how often one is due follows from `log_bytes_per_score`.
        await redis.config_set("auto-aof-rewrite-percentage", 0)
        records, writer = ScoreRecords(job.users, job.seed), _Written(redis, server)
        with shown.bar("first scores", job.users) as advance:
            first = await writer.write(records, np.arange(job.users), advance)
        logged = await _logged(redis)
        order = np.random.default_rng(job.seed).integers(0, job.users, job.updates)
        with shown.bar("updates", job.updates) as advance:
            spent = await writer.write(records, order, advance)
        return _figures(first, spent, await _logged(redis) - logged)
    finally:
        await redis.aclose()


@dataclass(slots=True)
class _Written:
    """Writes as the agent does, one partition's polls behind each other."""

    redis: Redis
    server: psutil.Process
    position: int | None = None

    async def write(self, records: ScoreRecords, order: np.ndarray, advance: Advance) -> Spent:
        """Return what it took; the records are made outside of the time taken."""
        writer, spent = ScoreWriter(self.redis, RedisKeys()), Spent()
        for at in range(0, len(order), POLL):
            polled = [
                cast("ConsumerRecord", SimpleNamespace(key=key, value=value))
                for key, value in records.of(order[at : at + POLL])
            ]
            following = (self.position or 0) + len(polled)
            redis_s, agent_s, started = _cpu_s(self.server), time.process_time(), time.monotonic()
            await writer.write(0, newest(read(polled).scores), self.position, following)
            spent.seconds += time.monotonic() - started
            spent.agent_s += time.process_time() - agent_s
            spent.redis_s += _cpu_s(self.server) - redis_s
            self.position, spent.scores = following, spent.scores + len(polled)
            advance(spent.scores)
        return spent


def _cpu_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


async def _logged(redis: Redis) -> int:
    return int((await redis.info("persistence"))["aof_current_size"])


def _figures(first: Spent, spent: Spent, logged: int) -> Run:
    return {
        "agent_cpu_us_per_score": 1e6 * spent.agent_s / spent.scores,
        "redis_cpu_us_per_score": 1e6 * spent.redis_s / spent.scores,
        "log_bytes_per_score": logged / spent.scores,
        "first_agent_cpu_us_per_score": 1e6 * first.agent_s / first.scores,
        "first_redis_cpu_us_per_score": 1e6 * first.redis_s / first.scores,
        "scores_per_s": spent.scores / spent.seconds,
    }
