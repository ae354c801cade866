"""`renown bench pipeline`: how fast two stages, tables, scores and Redis together take a burst of engagements."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from agents.bench.audit import audit
from agents.bench.burst import Burst, burst_producer
from agents.bench.commits import Commits
from agents.bench.figures import Figure, Run
from agents.bench.flame import flaming
from agents.bench.own_stack import own_stack
from agents.bench.profiling import profiling
from agents.bench.progress import Shown
from agents.bench.rig import Rig
from agents.bench.synthetic import Engagements, synthetic
from agents.bench.usage import PARTS, Usage
from agents.bench.worker_metrics import by_worker, until_shared
from agents.drain import drain
from streams.clock import wall_ms

DRAIN_LIMIT_S: Final = 600.0
LEAST_WARM: Final = 1_000
WARM_SHARE: Final = 0.02
FIGURES: Final = (
    Figure("events_per_s", "events/s", "from the first batch handed to Kafka to the last commit of both stages"),
    Figure("seconds_to_committed", "s", "until both stages had committed everything"),
    Figure("seconds_to_drained", "s", "until every score was readable"),
    Figure("load_s", "s", "part of it in which the burst still went into Kafka"),
    Figure("worker_cpu_us_per_event", "µs", "CPU of all workers, until drained"),
    Figure("worker_cpu_us_per_event_committed", "µs", "CPU of all workers, until committed"),
    Figure("scoring_cpu_us_per_event", "µs", "CPU of the scoring agent, until drained"),
    Figure("redis_cpu_us_per_event", "µs", "CPU of Redis, until drained"),
    Figure("kafka_cpu_us_per_event", "µs", "CPU of Kafka, until drained"),
    Figure("scores_per_event", "", "scores that the workers published"),
    Figure("workers_resident_mib", "MiB", "memory of all workers when drained"),
)


@dataclass(frozen=True, slots=True)
class PipelineJob:
    """What to measure: `events` in the burst among `users` people, by `workers` processes."""

    events: int
    users: int
    workers: int
    seed: int
    profile: Path | None = None
    flame: Path | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        watched = self.profile is not None or self.flame is not None
        return {k: v for k, v in asdict(self).items() if k not in {"profile", "flame"}} | {"profiled": watched}


def measure(job: PipelineJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures and its exactness check; raises BenchError, InexactError."""
    warm = max(LEAST_WARM, int(job.events * WARM_SHARE))
    engagements = synthetic(job.events + warm, job.users, job.seed, wall_ms())
    with own_stack(job.workers, shown.say, job.profile) as running:
        run = asyncio.run(_timed(running, engagements, warm, shown, job.flame))
        shown.say("comparing the tables with what was sent")
        found = audit(running, engagements)
        versions = running.versions()
    found.require()
    return run, {"exactness": asdict(found), "versions": versions}


async def _timed(running: Rig, engagements: Engagements, warm: int, shown: Shown, flame: Path | None) -> Run:
    """Warm up with the first events, then time the others."""
    bootstrap, topics = running.settings.bootstrap, running.settings.topics
    producer, admin = burst_producer(bootstrap), AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await asyncio.gather(producer.start(), admin.start(), consumer.start())
    try:
        shown.say(f"warming up with {warm:,} engagements")
        first = Burst(producer, topics.engagements.name, running.settings.partitions)
        first.add(engagements.records(0, warm))
        await first.send()
        burst = Burst(producer, topics.engagements.name, running.settings.partitions)
        with shown.bar("building the burst", len(engagements) - warm) as advance:
            burst.add(engagements.records(warm, len(engagements)), advance)
        await until_shared(running)
        await drain(running.settings, DRAIN_LIMIT_S)
        commits = Commits(running, admin, consumer)
        with profiling(running), flaming(running, flame):
            return await _burst(running, burst, commits, warm, shown)
    finally:
        await asyncio.gather(producer.stop(), admin.close(), consumer.stop())


async def _burst(running: Rig, burst: Burst, commits: Commits, warm: int, shown: Shown) -> Run:
    topics = running.settings.topics
    scores = _scores(running)
    before = Usage.of(running)
    sending = asyncio.ensure_future(burst.send())
    with shown.bar("scoring", burst.events) as advance:
        await sending
        load_s = time.monotonic() - before.at_s
        await commits.until_all(topics.engagements, lambda done: advance(max(0, done - warm)))
        await commits.until_all(topics.credits)
    committed = Usage.of(running)
    shown.say("waiting until every score is readable")
    await drain(running.settings, DRAIN_LIMIT_S)
    drained = Usage.of(running)
    emitted = _scores(running) - scores
    return _figures(burst.events, before, committed, drained, load_s) | {"scores_per_event": emitted / burst.events}


def _scores(running: Rig) -> float:
    return sum(by_worker(running, "renown_emitted_total").values())


def _figures(events: int, before: Usage, committed: Usage, drained: Usage, load_s: float) -> Run:
    seconds = committed.at_s - before.at_s
    each = 1_000_000 / events
    parts = {part: drained.cpu_since(before, part) * each for part in PARTS}
    resident = sum(size for name, size in drained.resident_bytes.items() if name.startswith("worker"))
    return {
        "events_per_s": events / seconds,
        "seconds_to_committed": seconds,
        "seconds_to_drained": drained.at_s - before.at_s,
        "load_s": load_s,
        "worker_cpu_us_per_event_committed": committed.cpu_since(before, "worker") * each,
        "workers_resident_mib": resident / 2**20,
        **{f"{part}_cpu_us_per_event": value for part, value in parts.items()},
    }
