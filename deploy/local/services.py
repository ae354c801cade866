"""The processes of ours that a stack runs: the one place that names them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploy.local.state import StackState

DATA_VARIABLE = "RENOWN_DATA"
# A service of this stack takes its addresses from the stack's state alone.
DROPPED_VARIABLES = frozenset({"RENOWN_BOOTSTRAP", "RENOWN_REDIS_URL"})


@dataclass(frozen=True, slots=True)
class Service:
    """One supervised process; `ready` tells when it has taken up its work, None when running is enough."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[StackState], bool] | None = None


ServicePlan = Callable[[StackState], tuple[Service, ...]]


def planned(state: StackState) -> tuple[Service, ...]:
    """The workers and the agent that writes scores to Redis; none of them when there are to be no workers."""
    if state.workers == 0:
        return ()
    workers = (_worker(number) for number in range(state.workers))
    return (*workers, Service("scoring", command("scoring")))


def _worker(number: int) -> Service:
    """A worker that keeps its name, and so its partitions, over a restart."""
    name = f"worker-{number}"
    return Service(name, command("worker"), {"RENOWN_MEMBER_NAME": name})


def command(*words: str) -> tuple[str, ...]:
    """The command line of one of our own commands, run by the Python that runs now."""
    return (sys.executable, "-m", "agents.cli.main", *words)


def environment(service: Service, state: StackState) -> dict[str, str]:
    """What the service's process sees: our environment, the stack's folder, the service's own additions."""
    inherited = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    return {**inherited, DATA_VARIABLE: str(state.data_dir), **service.env}
