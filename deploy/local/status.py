"""What runs in a data folder, asked of each part at the moment of the question."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from deploy.local import process, wire
from deploy.local import state as states
from deploy.local.supervision import Supervision

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.services import ServicePlan
    from deploy.local.state import KafkaState, RedisState, StackState

STOPPED = "stopped"
CRASHED = "its process is gone"
SILENT = "runs but does not answer"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part: `problem` is empty when it runs and answers."""

    name: str
    running: bool
    pid: int | None
    address: str
    version: str
    log: str
    problem: str


@dataclass(frozen=True, slots=True)
class StackStatus:
    """All parts of one stack; none when the folder never had one."""

    data_dir: str
    running: bool = False
    bootstrap_servers: str = ""
    redis_url: str = ""
    partitions: int = 0
    workers: int = 0
    parts: tuple[PartStatus, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the status as plain values, for JSON."""
        return asdict(self)


def status_of(data_dir: Path, plan: ServicePlan) -> StackStatus:
    """Return the status of the stack in a data folder."""
    state = states.load(data_dir)
    if state is None:
        return StackStatus(str(data_dir))
    parts = (_kafka(state), _redis(state), *_services(state, plan))
    return StackStatus(
        data_dir=str(data_dir),
        running=all(part.running for part in parts),
        bootstrap_servers=state.bootstrap_servers,
        redis_url=state.redis_url,
        partitions=state.partitions,
        workers=state.workers,
        parts=parts,
    )


def _kafka(state: StackState) -> PartStatus:
    kafka = state.kafka
    answers = kafka is not None and wire.cluster_id(kafka.port) == kafka.cluster_id
    return _part(state, "kafka", kafka, state.bootstrap_servers, answers=answers)


def _redis(state: StackState) -> PartStatus:
    redis = state.redis
    answers = redis is not None and wire.redis_answers(redis.port)
    return _part(state, "redis", redis, state.redis_url, answers=answers)


def _part(
    state: StackState, name: str, part: KafkaState | RedisState | None, address: str, *, answers: bool
) -> PartStatus:
    identity = part.process if part is not None else None
    version = part.version if part is not None else ""
    alive = process.is_alive(identity)
    problem = STOPPED if identity is None else CRASHED if not alive else "" if answers else SILENT
    pid = identity.pid if identity is not None and alive else None
    log = str(state.data_dir / "logs" / f"{name}.log")
    return PartStatus(name, not problem, pid, address, version, log, problem)


def _services(state: StackState, plan: ServicePlan) -> list[PartStatus]:
    supervision = Supervision(state.data_dir)
    started = {service.name: service.process for service in state.services}
    found = []
    for service in plan(state):
        supervisor = started.get(service.name)
        pid = supervision.service_pid(service.name)
        problem = _service_problem(supervisor, pid, ready=supervision.is_ready(service, state))
        log = str(supervision.log(service.name))
        found.append(PartStatus(service.name, not problem, pid, "", "", log, problem))
    return found


def _service_problem(supervisor: process.Identity | None, pid: int | None, *, ready: bool) -> str:
    if supervisor is None:
        return STOPPED
    if not process.is_alive(supervisor):
        return "its supervisor is gone"
    if pid is None:
        return "failed and is being started again"
    return "" if ready else "runs but is not ready"
