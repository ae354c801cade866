"""One fault's scene: a pipeline under load, its broker and Redis, what was done to it and how fast it came back."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Final

from confluent_kafka import TopicPartition
from redis import Redis
from redis.exceptions import RedisError

from agents.faults.bed import Bed, Broker, Store
from agents.faults.judge import Deployment, Verdict, judge
from agents.faults.judge.home import home_of
from agents.faults.judge.log import client, lags
from agents.faults.proxy import Proxy
from agents.faults.records import Records, engagement
from agents.faults.source import Source
from agents.faults.supervisor import Supervisor
from agents.rig.ending import undisturbed
from agents.rig.pipeline import SCORING, Pipeline, RigError, prepared

PARTITIONS: Final = 8
SESSION_S: Final = 6.0
RECOVERY_LIMIT_S: Final = 150.0
LOOK_S: Final = 0.01
CALM_LAG_S: Final = 3.0
REDIS_WAIT_S: Final = 1.0
REPLY_LIMIT_S: Final = 20.0
SETTINGS: Final = {
    "profile": "burst",
    "session_timeout_s": str(SESSION_S),
    "commit_interval_s": "0.3",
    "chunk_events": "500",
    "partitions": str(PARTITIONS),
}


@dataclass
class Scene:
    """What a fault may touch. `chance` is seeded; `injected` counts, `recovered_s` holds recovery times,
    `poisoned` is the pattern of ids whose pricing fails.
    """

    pipeline: Pipeline
    supervisor: Supervisor
    source: Source
    broker: Broker
    store: Store
    proxy: Proxy
    bed: Bed
    chance: random.Random
    injected: int = 0
    recovered_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    poisoned: str = ""
    _probes: int = 0

    @property
    def workers(self) -> list[str]:
        """The workers that are meant to run, by name."""
        return [name for name in self.supervisor.kept if name != SCORING]

    def kill(self, *names: str, number: int = signal.SIGKILL) -> None:
        """Signal processes at once; their supervisor starts them again."""
        for name in names:
            self.pipeline.processes[name].send_signal(number)
        self.injected += 1

    def expect(self, holds: object, otherwise: str) -> None:
        """Note a promise that was not kept."""
        if not holds:
            self.problems.append(otherwise)

    def note(self, text: str) -> None:
        """Keep a figure to be shown beside the outcome."""
        self.notes.append(text)

    def restart(self, name: str) -> None:
        """End a process the gentle way and return once its supervisor has brought it back, ready."""
        process = self.pipeline.processes[name]
        process.terminate()
        self.wait(lambda: self.pipeline.processes[name] is not process, f"{name} started again")
        self.all_ready()

    def pause(self, least_s: float, most_s: float | None = None) -> None:
        """Let the load run for a time drawn between the two."""
        time.sleep(least_s if most_s is None else self.chance.uniform(least_s, most_s))

    def recover(self, since: float | None = None, limit_s: float = RECOVERY_LIMIT_S) -> float:
        """Send an engagement to and from every partition; return the seconds, from `since` or now, until all their
        scores are readable; RigError when that takes longer than `limit_s`.
        """
        began = time.monotonic() if since is None else since
        self._probes += 1
        names = probes(f"{self.source.seed}-{self._probes}")
        for number, (actor, target) in enumerate(names):
            name = 1_000 * self._probes + number
            self.source.send(engagement(name, -self.source.seed, "share", actor, target, int(time.time() * 1000)))
        keys = [f"{self.pipeline.settings.redis_prefix}:u:{target}" for _, target in names]
        if not self._readable(keys, limit_s):
            raise RigError(f"nothing new was readable {limit_s:.0f} s after the fault")
        took_s = time.monotonic() - began
        self.recovered_s.append(took_s)
        return took_s

    def wait(self, holds: Callable[[], object], what: str, limit_s: float = RECOVERY_LIMIT_S) -> None:
        """Return once `holds()`; RigError naming `what` when it takes longer."""
        until = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > until:
                raise RigError(f"{what}: not within {limit_s:.0f} s")
            time.sleep(LOOK_S * 5)

    def committed(self) -> int:
        """Return how many records of the engagements topic the workers have finished."""
        told = self.deployment()
        consumer = client(told, f"{told.prefix}.app")
        try:
            asked = [TopicPartition(told.topic("engagements"), number) for number in range(PARTITIONS)]
            return sum(max(0, place.offset) for place in consumer.committed(asked, timeout=REPLY_LIMIT_S))
        finally:
            consumer.close()

    def lag(self) -> int:
        """Return how many records of engagements and credits the workers have before them."""
        return sum(left for place, left in lags(self.deployment()) if ".scoring " not in place)

    def all_ready(self) -> None:
        """Return once every worker scores again."""
        for name in self.workers:
            self.wait(lambda one=name: self.pipeline.is_ready(one), f"{name} ready")  # type: ignore[misc]

    def calm(self) -> None:
        """Return once every worker scores and keeps up, so that what stops from here on is the next fault's doing."""
        self.all_ready()
        self.wait(lambda: self.lag() < CALM_LAG_S * self.source.rate, "calm")

    def verdict(self) -> Verdict:
        """End the load, let everything come to rest and have it judged."""
        self.source.rest()
        self.pipeline.renown("drain", "--timeout", "240", check=False)
        poisoned = frozenset(name for _, name in self.source.acts if self.poisoned and fnmatchcase(name, self.poisoned))
        return judge(self.deployment(), poisoned)

    def load_again(self) -> None:
        """Go on sending after a verdict."""
        self.source = self.source.successor()
        self.source.start()

    def deployment(self) -> Deployment:
        """Return what is judged, by the addresses of its own servers."""
        settings = self.pipeline.settings
        return Deployment(self.broker.bootstrap, self.store.url, settings.prefix, settings.redis_prefix, PARTITIONS)

    def _readable(self, keys: list[str], limit_s: float) -> bool:
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            try:
                with Redis(port=self.store.port, socket_timeout=REDIS_WAIT_S) as redis:
                    while time.monotonic() < until:
                        if redis.exists(*keys) == len(keys):
                            return True
                        time.sleep(LOOK_S)
            except (RedisError, OSError):
                time.sleep(LOOK_S * 10)
        return False


def probes(name: str) -> list[tuple[str, str]]:
    """Return pairs of fresh users, actor and target, such that every partition is home to one of each.

    >>> len(probes("a")), probes("a") == probes("a")
    (8, True)
    """
    places = []
    for side in ("from", "to"):
        found: dict[int, str] = {}
        for number in count():
            user = f"probe:{side}-{name}-{number}"
            found.setdefault(home_of(user.encode(), PARTITIONS), user)
            if len(found) == PARTITIONS:
                break
        places.append([found[partition] for partition in range(PARTITIONS)])
    return list(zip(places[0], reversed(places[1]), strict=True))


@contextmanager
def scene(
    bed: Bed,
    folder: Path,
    records: Callable[[int], Records],
    *,
    seed: int,
    rate: float,
    workers: int,
    own_broker: bool,
    disk_mb: int = 0,
    settings: Mapping[str, str],
) -> Iterator[Scene]:
    """Yield a scene whose workers are ready and under load; everything of its own is gone afterwards."""
    bed.scenes += 1
    folder.mkdir(parents=True, exist_ok=True)
    broker, store = bed.broker(own=own_broker, disk_mb=disk_mb), bed.store(disk_mb=disk_mb)
    proxy = Proxy(store.port)
    proxy.start()
    made = prepared(
        broker.bootstrap, f"redis://127.0.0.1:{proxy.port}/0", folder, f"f{bed.scenes}", {**SETTINGS, **settings}
    )
    supervisor = Supervisor(made)
    source = Source(broker.bootstrap, made.settings.topics.engagements.name, records(seed), rate, seed)
    try:
        for name in [*(f"worker-{number}" for number in range(workers)), SCORING]:
            supervisor.keep(name)
        supervisor.start()
        found = Scene(made, supervisor, source, broker, store, proxy, bed, random.Random(seed))
        found.all_ready()
        source.start()
        found.recover()
        found.recovered_s.clear()
        yield found
    finally:
        with undisturbed():
            supervisor.stop()
            made.stop()
            proxy.stop()
            bed.drop(store)
            if own_broker:
                bed.drop(broker)
