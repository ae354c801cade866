"""The processes of ours that a stack runs: the one place that names them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy.local.state import StackState

if TYPE_CHECKING:
    from pathlib import Path

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
    """Return the workers and the agent that writes scores to Redis; nothing when there are no workers."""
    if state.workers == 0:
        return ()
    workers = (_worker(number, state.data_dir) for number in range(state.workers))
    return (*workers, Service("scoring", command("scoring")))


def _worker(number: int, data_dir: Path) -> Service:
    """Return a worker that keeps its name, and so its partitions, over a restart."""
    name = f"worker-{number}"

    def ready(state: StackState) -> bool:
        """Whether the process that runs now says that it scores."""
        run = state.data_dir / "run"
        try:
            return (run / f"{name}.ready").read_text().strip() == (run / f"{name}.pid").read_text().strip()
        except FileNotFoundError:
            return False

    env = {"RENOWN_MEMBER_NAME": name, "RENOWN_READY_FILE": str(data_dir / "run" / f"{name}.ready")}
    return Service(name, command("worker"), env, ready)


def command(*words: str) -> tuple[str, ...]:
    """Return the command line of one of our own commands, run by the Python that runs now."""
    return (sys.executable, "-m", "agents.cli.main", *words)


def environment(service: Service, state: StackState) -> dict[str, str]:
    """Return what the process sees: our environment, the stack's folder, the service's own additions."""
    inherited = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    return {**inherited, DATA_VARIABLE: str(state.data_dir), **service.env}
