"""The local stack as one thing: up, down, status."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import state as states
from deploy.local.errors import PartitionsDifferError
from deploy.local.filelock import held
from deploy.local.kafka import KafkaServer
from deploy.local.process import is_alive
from deploy.local.progress import Report, Silent
from deploy.local.redis import RedisServer
from deploy.local.services import ServicePlan, planned
from deploy.local.state import ServiceState, StackState
from deploy.local.status import StackStatus, status_of
from deploy.local.supervision import Supervision

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

DEFAULT_WORKERS = 2
DEFAULT_PARTITIONS = 8
LOCK_NAME = "stack.lock"


@dataclass(frozen=True)
class Stack:
    """Kafka, Redis and our services in one data folder; any number of folders side by side."""

    data_dir: Path
    report: Report = field(default_factory=Silent)
    plan: ServicePlan = planned

    def __post_init__(self) -> None:
        """Make the folder's path absolute: children and later commands start elsewhere."""
        object.__setattr__(self, "data_dir", Path(self.data_dir).expanduser().absolute())

    def up(
        self,
        *,
        workers: int = DEFAULT_WORKERS,
        partitions: int | None = None,
        after_brokers: Callable[[StackState], None] | None = None,
    ) -> StackState:
        """Everything running and ready; parts that run are kept, those that crashed are started again.

        `partitions` is a property of the data: given once, 8 by default, and refused when it differs later.
        `after_brokers` is called when Kafka and Redis answer and no new service has started yet.
        """
        with self._locked():
            before = self._before(workers, partitions)
            state = self._brokers(before)
            if _moved(before, state):
                Supervision(self.data_dir).stop(state.services)
                state = self._kept(replace(state, services=()))
            if after_brokers is not None:
                after_brokers(state)
            return self._services(state)

    def down(self) -> list[str]:
        """Everything stopped, services first; the names of what ran until now. The data stays."""
        with self._locked():
            state = states.load(self.data_dir)
            if state is None:
                return []
            stopped = Supervision(self.data_dir).stop(state.services)
            state = self._kept(replace(state, services=()))
            if state.redis is not None:
                stopped += ["redis"] if is_alive(state.redis.process) else []
                redis = RedisServer(self.data_dir, self.report).stop(state.redis)
                state = self._kept(replace(state, redis=redis))
            if state.kafka is not None:
                stopped += ["kafka"] if is_alive(state.kafka.process) else []
                self._kept(replace(state, kafka=KafkaServer(self.data_dir, self.report).stop(state.kafka)))
            return stopped

    def status(self) -> StackStatus:
        """Return what runs and what does not, asked of each part now."""
        return status_of(self.data_dir, self.plan)

    def _locked(self) -> AbstractContextManager[None]:
        awaited = f"another `renown up` or `down` on {self.data_dir}"
        return held(self.data_dir / LOCK_NAME, self.report, awaited)

    def _kept(self, state: StackState) -> StackState:
        states.save(state)
        return state

    def _before(self, workers: int, partitions: int | None) -> StackState:
        found = states.load(self.data_dir)
        if found is None:
            return StackState(self.data_dir, partitions or DEFAULT_PARTITIONS, workers)
        if partitions not in {None, found.partitions}:
            raise PartitionsDifferError(found.partitions, partitions)
        return replace(found, workers=workers)

    def _brokers(self, state: StackState) -> StackState:
        """Kafka and Redis answering; Kafka first, whose jars may refuse."""
        broker = KafkaServer(self.data_dir, self.report)
        kafka = broker.start(state.kafka, lambda started: states.save(replace(state, kafka=started)))
        state = self._kept(replace(state, kafka=kafka))
        self.report.say(f"kafka {kafka.version} on {state.bootstrap_servers}")
        server = RedisServer(self.data_dir, self.report)
        redis = server.start(state.redis, lambda started: states.save(replace(state, redis=started)))
        state = self._kept(replace(state, redis=redis))
        self.report.say(f"redis {redis.version} on {state.redis_url}")
        return state

    def _services(self, state: StackState) -> StackState:
        """Return the planned services running and ready, those no longer planned stopped."""
        supervision = Supervision(self.data_dir)
        wanted = self.plan(state)
        names = {service.name for service in wanted}
        kept = {one.name: one for one in state.services if one.name in names and is_alive(one.process)}
        supervision.stop(one for one in state.services if one.name not in kept)
        for service in wanted:
            if service.name not in kept:
                kept[service.name] = supervision.start(service, state)
                state = self._kept(replace(state, services=_ordered(kept)))
        state = self._kept(replace(state, services=_ordered(kept)))
        for service in wanted:
            supervision.wait_ready(service, state)
            self.report.say(f"{service.name} is up")
        return state


def _ordered(services: dict[str, ServiceState]) -> tuple[ServiceState, ...]:
    return tuple(services[name] for name in sorted(services))


def _moved(before: StackState, now: StackState) -> bool:
    """Whether a running service knows an address that is no longer true."""
    return (before.bootstrap_servers, before.redis_url) != (now.bootstrap_servers, now.redis_url)
