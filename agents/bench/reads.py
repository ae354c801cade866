"""`renown bench reads`: single scores over HTTP, from a server held to one core, by wrk from the others."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil

from agents.bench import wrk
from agents.bench.errors import BenchError
from agents.bench.figures import Figure, Run
from agents.bench.progress import Shown
from agents.bench.rig import OWN
from agents.rig.ending import end
from agents.scoring.entries import newest
from agents.scoring.writer import ScoreWriter, connected
from deploy.local import ports, process
from deploy.local.progress import Silent
from deploy.local.redis import RedisServer
from deploy.local.services import command
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Moment, Parts, Score
from streams.clock import wall_ms

READY_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0
WARM_S: Final = 2.0
POLL_S: Final = 0.05
SLICE: Final = 5_000
FIGURES: Final = (
    Figure("reads_per_s", "1/s", "single scores a second, the server on one core"),
    Figure("cpu_us_per_read", "us", "CPU of the server for one"),
    Figure("full_p50_ms", "ms", "half of the answers came within, at full speed"),
    Figure("full_p99_ms", "ms", "99 of 100 came within, at full speed"),
    Figure("steady_per_s", "1/s", "single scores a second at the steady rate"),
    Figure("steady_p50_ms", "ms", "half of the answers came within, at the steady rate"),
    Figure("steady_p99_ms", "ms", "99 of 100 came within, at the steady rate"),
)


@dataclass(frozen=True, slots=True)
class ReadsJob:
    """`users` people are read in no order, for `seconds` each at full speed and at `rate` a second."""

    users: int
    seconds: float
    rate: float
    connections: int

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        return asdict(self)


def measure(job: ReadsJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures; raises BenchError."""
    wrk.require()
    with tempfile.TemporaryDirectory(prefix="renown-bench-") as name, _redis(Path(name)) as (port, version):
        url = f"redis://{ports.HOST}:{port}/0"
        shown.say(f"writing {job.users:,} scores")
        paths = asyncio.run(_written(url, job.users))
        with _server(url, Path(name)) as (address, served):
            shown.say("reading at full speed")
            wrk.load(address, paths, WARM_S, job.connections)
            before = served.cpu_times()
            full = wrk.load(address, paths, job.seconds, job.connections)
            after = served.cpu_times()
            shown.say(f"reading at {job.rate:g} a second")
            steady = wrk.load(address, paths, job.seconds, job.connections, job.rate)
    cpu_s = after.user + after.system - before.user - before.system
    return {
        "reads_per_s": full.rate,
        "cpu_us_per_read": 1e6 * cpu_s / full.requests,
        "full_p50_ms": full.p50_ms,
        "full_p99_ms": full.p99_ms,
        "steady_per_s": steady.rate,
        "steady_p50_ms": steady.p50_ms,
        "steady_p99_ms": steady.p99_ms,
    }, {"versions": {"redis": version}}


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[int, str]]:
    """Give port and version of a Redis of our own."""
    server = RedisServer(folder, Silent())
    state = server.start(None, lambda _: None)
    try:
        yield state.port, state.version
    finally:
        server.stop(state)


async def _written(url: str, users: int) -> list[str]:
    """Write everybody's score and return the paths under which they are read."""
    redis, chance = connected(url), random.Random(1)
    names = [f"bench:user-{number}" for number in range(users)]
    try:
        for at in range(0, users, SLICE):
            entries = newest((name, _score(name, chance)) for name in names[at : at + SLICE])
            await ScoreWriter(redis, RedisKeys()).write(0, entries, at or None, at + SLICE)
    finally:
        await redis.aclose()
    return [f"/v1/scores/{quote(name, safe='')}" for name in names]


def _score(user: str, chance: random.Random) -> Score:
    """Return a score as long in text as real ones are."""
    masses = [chance.expovariate(1.0) for _ in range(5)]
    raw, shown, now_ms = sum(masses), round(chance.uniform(1, 100), 1), wall_ms()
    moments = tuple(Moment(chance.randrange(8), chance.randrange(10**7), "like", now_ms, mass) for mass in masses)
    return Score(
        user=user,
        score=shown,
        target_score=round(shown + chance.random(), 2),
        raw=raw,
        relationships=round(chance.uniform(1, 100), 2),
        momentum=chance.expovariate(2.0),
        reach=chance.expovariate(0.1),
        percentile=round(chance.uniform(0, 100), 3),
        provisional=False,
        parts=Parts(*masses),
        counts_7d=Counts(*(chance.randrange(100) for _ in range(4))),
        moments=moments,
        as_of=now_ms,
        version=chance.randrange(10**6),
        model="default@c440e430",
    )


@contextmanager
def _server(url: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Give address and process of `renown serve`, held to the first core that we may use."""
    port = ports.pick()
    env = {name: value for name, value in os.environ.items() if name not in OWN}
    env |= {"RENOWN_REDIS_URL": url, "RENOWN_BOOTSTRAP": f"{ports.HOST}:{ports.pick()}"}
    env["RENOWN_DATA"] = str(folder / "no-stack-here")
    log = folder / "serve.log"
    with log.open("wb") as out:
        started = subprocess.Popen(command("serve", "--port", str(port)), env=env, stdout=out, stderr=out)
    try:
        until = time.monotonic() + READY_LIMIT_S
        while b"listening" not in log.read_bytes():
            if started.poll() is not None or time.monotonic() > until:
                raise BenchError(f"the server did not start: {process.last_words(log)}")
            time.sleep(POLL_S)
        served = psutil.Process(started.pid)
        served.cpu_affinity(sorted(served.cpu_affinity())[:1])
        yield f"http://{ports.HOST}:{port}/", served
    finally:
        end([started], STOP_LIMIT_S)
