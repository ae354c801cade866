"""`renown bench latency`: how long from the append of an engagement until its score can be read in Redis."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from redis.asyncio import Redis

from agents.bench.emitted import emitted
from agents.bench.errors import BenchError
from agents.bench.figures import Figure, Run, quantile
from agents.bench.own_stack import own_stack
from agents.bench.probe import Probe
from agents.bench.progress import Shown
from agents.bench.rig import Rig
from agents.bench.steady import Sending, Stream, sending
from agents.bench.usage import PARTS, Usage
from agents.bench.worker_metrics import until_shared
from agents.ingest.kafka import connected_producer, stopped
from schemas.redis_keys import RedisKeys
from streams.clock import wall_ms

ACTORS: Final = 20_000
HITS_APART_S: Final = 2
LOOK_S: Final = 1.0
SHARES: Final = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
_SOURCES: Final = {
    "probe": "append to readable, seen from outside",
    "emitted": "append to score made, users not held back",
    "emitted_all": "append to score made, all users",
}
FIGURES: Final = (
    *(Figure(f"{source}_{name}_ms", "ms", meaning) for source, meaning in _SOURCES.items() for name in SHARES),
    Figure("agent_p50_ms", "ms", "append to readable, by the scoring agent"),
    Figure("agent_p99_ms", "ms", "append to readable, by the scoring agent"),
    Figure("rate_events_per_s", "events/s", "sent in truth"),
    Figure("sender_behind_ms", "ms", "most that the sender was behind its timetable"),
    *(Figure(f"{part}_cores", "cores", "CPU seconds a second meanwhile") for part in PARTS),
    Figure("marks", "", "marked engagements that the probe saw"),
    Figure("scores", "", "scores behind the emitted figures"),
)


@dataclass(frozen=True, slots=True)
class LatencyJob:
    """`rate` engagements a second for `seconds`, after `warm_s` of the same; `marks` a second by the probe."""

    rate: int
    seconds: float
    warm_s: float
    marks: float
    workers: int
    seed: int

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        return asdict(self)


def measure(job: LatencyJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures; raises BenchError."""
    with own_stack(job.workers, shown.say) as running:
        stream = Stream(
            running.settings.bootstrap,
            running.settings.topics.engagements.name,
            job.rate,
            job.rate * HITS_APART_S,
            ACTORS,
            job.seed,
        )
        with sending(stream) as sender:
            run, since_ms, until_ms = asyncio.run(_probed(running, job, sender, shown))
        shown.say("reading the scores topic")
        found = asyncio.run(emitted(running.settings, since_ms, until_ms))
        run |= _quantiles("emitted", found.free_ms) | _quantiles("emitted_all", found.all_ms)
        run["scores"] = len(found.all_ms)
        return run, {"versions": running.versions()}


async def _probed(running: Rig, job: LatencyJob, sender: Sending, shown: Shown) -> tuple[Run, int, int]:
    """Return the probe's and the agent's figures, and the instants between which they hold."""
    settings = running.settings
    producer = await connected_producer(settings.bootstrap)
    redis = Redis.from_url(settings.redis_url)
    try:
        await _warm(running, job.warm_s, sender, shown)
        keys = RedisKeys(settings.redis_prefix)
        probe = Probe(producer, redis, settings.topics.engagements.name, keys)
        watching = asyncio.ensure_future(_watched(running, redis, keys, job.seconds, shown))
        since_ms, before, sent = wall_ms(), Usage.of(running), sender.sent
        await asyncio.gather(probe.run(job.marks, job.seconds, sender), watching)
        now, sent = Usage.of(running), sender.sent - sent
    finally:
        await redis.aclose()
        await stopped(producer)
    seconds = now.at_s - before.at_s
    run = {f"{part}_cores": now.cpu_since(before, part) / seconds for part in PARTS}
    run |= {
        "rate_events_per_s": sent / seconds,
        "sender_behind_ms": 1000 * sender.behind_s,
        "marks": len(probe.delays_ms),
    }
    run |= _quantiles("probe", probe.delays_ms) | watching.result()
    return run, since_ms, since_ms + round(1000 * job.seconds)


async def _warm(running: Rig, seconds: float, sender: Sending, shown: Shown) -> None:
    """Let the stream run for `seconds` from its first engagement on."""
    shown.say(f"warming up for {seconds:g} s")
    while not sender.sent:
        sender.check()
        await asyncio.sleep(LOOK_S / 10)
    await asyncio.sleep(seconds)
    await until_shared(running)
    running.check()
    sender.restart_timetable()


async def _watched(running: Rig, redis: Redis, keys: RedisKeys, seconds: float, shown: Shown) -> Run:
    """Return the median of what the scoring agent says of its newest scores, read once a second."""
    readings: list[tuple[float, float]] = []
    with shown.bar("measuring", round(seconds)) as advance:
        for second in range(1, round(seconds) + 1):
            await asyncio.sleep(LOOK_S)
            running.check()
            p50, p99 = await redis.hmget(keys.meta(), ["latency_p50_ms", "latency_p99_ms"])
            if p50 is not None and p99 is not None:
                readings.append((float(p50), float(p99)))
            advance(second)
    if not readings:
        raise BenchError("the scoring agent has said nothing about its delays; give the measurement more --seconds")
    halves, slowest = zip(*readings, strict=True)
    return {"agent_p50_ms": median(halves), "agent_p99_ms": median(slowest)}


def _quantiles(source: str, delays_ms: list[float]) -> Run:
    if not delays_ms:
        raise BenchError(f"nothing to measure ({source}); give the measurement more --seconds")
    ranked = sorted(delays_ms)
    return {f"{source}_{name}_ms": quantile(ranked, share) for name, share in SHARES.items()}
