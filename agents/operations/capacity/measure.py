"""Measures what an event, a user, a pair and a score cost, on a pipeline of its own, and writes `measured.json`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis import Redis

from agents.bench.audit import audit
from agents.bench.burst import Burst, burst_producer
from agents.bench.machine import load_average, machine
from agents.bench.own_stack import own_stack
from agents.bench.rig import Rig
from agents.bench.synthetic import Engagements, circle, synthetic
from agents.bench.usage import Usage
from agents.bench.worker_metrics import by_worker, until_shared
from agents.drain import drain
from agents.operations.capacity.costs import MEASURED, Costs, Measured
from agents.tables import tables
from schemas.topics import Topic
from streams.clock import wall_ms

EVENTS: Final = 200_000
USERS: Final = 50_000
APART: Final = 100_000
"""People of the second run, each of whom is engaged with once."""
WARM: Final = 2_000
SEED: Final = 1
DRAIN_LIMIT_S: Final = 600.0
DAYS: Final = 90
COMMAND: Final = "python -m agents.operations.capacity.measure"


def measure() -> Costs:
    """Return the costs; BenchError or InexactError when a run is no good.

    The second run has as many scores as engagements: what it costs a worker beyond the first is laid upon scores.
    """
    many, apart = _run(synthetic(EVENTS + WARM, USERS, SEED, wall_ms())), _run(circle(APART, 1, SEED, wall_ms()))
    beyond = apart.worker_us_per_event - many.worker_us_per_event
    return msgspec.structs.replace(many, worker_us_per_score=max(0.0, beyond))


def _run(engagements: Engagements) -> Costs:
    with own_stack(1, _say) as running:
        found = asyncio.run(_measured(running, engagements))
        audit(running, engagements).require()
    return found


async def _measured(running: Rig, engagements: Engagements) -> Costs:
    """Return the costs but for those of a score to a worker, which take two runs to tell."""
    producer = burst_producer(running.settings.bootstrap)
    await producer.start()
    try:
        await _sent(running, producer, engagements, 0, WARM)
        await until_shared(running)
        before, scores, held = Usage.of(running), _scores(running), _redis(running)
        warm_users = await _users(running)
        await _sent(running, producer, engagements, WARM, len(engagements))
        used, scores, held = Usage.of(running), _scores(running) - scores, _redis(running) - held
    finally:
        await producer.stop()
    users, pairs, user_bytes, pair_bytes = await _tables(running)
    topics, each = running.settings.topics, 1_000_000 / (len(engagements) - WARM)
    rows = user_bytes + pair_bytes
    grown = used.resident_bytes["worker-0"] - before.resident_bytes["worker-0"]
    # Memory beside the tables (indexes of repeats, buffers) is laid upon rows and pairs in proportion.
    share = max(1.0, grown / rows)
    return Costs(
        worker_us_per_event=used.cpu_since(before, "worker") * each,
        worker_us_per_score=0.0,
        scoring_us_per_score=used.cpu_since(before, "scoring") * 1_000_000 / scores,
        redis_us_per_score=used.cpu_since(before, "redis") * 1_000_000 / scores,
        kafka_us_per_event=used.cpu_since(before, "kafka") * each,
        worker_base_bytes=float(before.resident_bytes["worker-0"]),
        row_bytes_per_user=user_bytes / users * share,
        row_bytes_per_pair=pair_bytes / max(1, pairs) * share,
        engagement_log_bytes=_log_bytes(running, topics.engagements) / len(engagements),
        credit_log_bytes=_log_bytes(running, topics.credits) / len(engagements),
        score_log_bytes=_log_bytes(running, topics.scores) / await _records(running, topics.scores),
        user_log_bytes=_log_bytes(running, topics.users_changelog) / await _records(running, topics.users_changelog),
        redis_bytes_per_user=held / (users - warm_users),
        redis_bytes_per_history_day=_history_day(running),
    )


async def _sent(running: Rig, producer: Any, engagements: Engagements, start: int, stop: int) -> None:
    burst = Burst(producer, running.settings.topics.engagements.name, running.settings.partitions)
    burst.add(engagements.records(start, stop))
    await burst.send()
    await drain(running.settings, DRAIN_LIMIT_S)


def _scores(running: Rig) -> float:
    return sum(by_worker(running, "renown_emitted_total").values())


def _redis(running: Rig) -> int:
    with Redis.from_url(running.settings.redis_url) as redis:
        return int(cast("dict[str, Any]", redis.info("memory"))["used_memory"])


def _history_day(running: Rig) -> float:
    """Return what one more day of history takes, of the 90 that are kept."""
    with Redis.from_url(running.settings.redis_url) as redis:
        sizes = []
        for days in (1, DAYS):
            key = f"capacity:{days}"
            redis.hset(key, mapping={f"2026-{1 + day // 30:02}-{1 + day % 30:02}": "42.1" for day in range(days)})
            sizes.append(int(cast("int", redis.memory_usage(key))))
            redis.delete(key)
    return (sizes[1] - sizes[0]) / (DAYS - 1)


async def _users(running: Rig) -> int:
    return (await _tables(running))[0]


async def _tables(running: Rig) -> tuple[int, int, int, int]:
    """Return users, pairs, bytes of rows and bytes of pairs."""
    users = pairs = user_bytes = pair_bytes = 0
    async for partition in tables(running.settings):
        state = partition.state
        users, pairs = users + state.count, pairs + len(state.pairs)
        user_bytes, pair_bytes = user_bytes + state.nbytes - state.pairs.nbytes, pair_bytes + state.pairs.nbytes
    return users, pairs, user_bytes, pair_bytes


def _log_bytes(running: Rig, topic: Topic) -> int:
    """Return what the topic's records take on the broker's disk."""
    return sum(path.stat().st_size for path in (running.folder / "kafka").rglob(f"{topic.name}-*/*.log"))


async def _records(running: Rig, topic: Topic) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=running.settings.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, number) for number in range(running.settings.partitions)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return max(1, sum(ends.values()))


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")


def main() -> None:
    """Measure once and write the file that the command line names, by default the one that `renown plan` reads."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MEASURED
    facts = {**machine(), "load_before": load_average()}
    costs = {name: float(f"{value:.3g}") for name, value in msgspec.structs.asdict(measure()).items()}
    found = msgspec.to_builtins(Measured(COMMAND, facts, Costs(**costs)))
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
