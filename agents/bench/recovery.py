"""`renown bench recovery` and `renown bench takeover`: how long partitions are without an owner that works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from agents.bench.audit import audit
from agents.bench.errors import BenchError
from agents.bench.figures import Figure, Run
from agents.bench.loading import loading
from agents.bench.own_stack import own_stack
from agents.bench.progress import Shown
from agents.bench.rig import Rig
from agents.bench.synthetic import circle
from agents.bench.worker_metrics import by_worker, until_shared
from deploy.local.services import command
from streams.clock import wall_ms

SLICE: Final = 200_000
LIMIT_S: Final = 300.0
POLL_S: Final = 0.01
SETTLE_S: Final = 3.0
"""Standby copies trail the log by a fetch; so long after the last change they hold all of it."""
FIRST, SECOND = "worker-0", "worker-1"
RECOVERY: Final = (
    Figure("assigned_to_ready_s", "s", "from the claims of the partitions to work on them"),
    Figure("start_to_assigned_s", "s", "from the start of the process to the claims"),
    Figure("start_to_ready_s", "s", "both"),
    Figure("restored_records", "", "records of the changelog that were read"),
    Figure("changelog_mib", "MiB", "size of the log they were read from, on Kafka's disk"),
)
TAKEOVER: Final = (
    Figure("takeover_s", "s", "from the end of the session of the killed worker to work on all partitions"),
    Figure("session_timeout_s", "s", "setting: silence after which Kafka takes a worker's partitions away"),
    Figure("killed_to_working_s", "s", "both"),
)


@dataclass(frozen=True, slots=True)
class RecoveryJob:
    """`users` people, each of whom has engaged with `pairs` others."""

    users: int
    pairs: int
    seed: int

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        return asdict(self)


def measure_recovery(job: RecoveryJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures of a worker that is killed and started anew without a copy of its state."""
    return _measured(job, shown, 1, _killed_and_started)


def measure_takeover(job: RecoveryJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures of a worker that takes over from one that was killed, by its standby copies."""
    return _measured(job, shown, 2, _killed_and_replaced)


def _measured(
    job: RecoveryJob, shown: Shown, workers: int, killed: Callable[[Rig, Shown], Run]
) -> tuple[Run, dict[str, Any]]:
    """Return figures and the exactness check; raises BenchError, InexactError."""
    engagements = circle(job.users, job.pairs, job.seed, wall_ms())
    with own_stack(workers, shown.say) as running:
        asyncio.run(_loaded(running, engagements, shown))
        run = killed(running, shown)
        shown.say("comparing the tables with what was sent")
        found = audit(running, engagements)
        versions = running.versions()
    found.require()
    return run, {"exactness": asdict(found), "versions": versions}


async def _loaded(running: Rig, engagements: Any, shown: Shown) -> None:
    with shown.bar("scoring", len(engagements)) as advance:
        async with loading(running, engagements, SLICE) as load:
            await load.send(0, 1, advance)
            await until_shared(running)
            await load.send(1, len(engagements), advance)


def _killed_and_started(running: Rig, shown: Shown) -> Run:
    _kill(running, FIRST)
    (running.folder / f"{FIRST}.ready").unlink()
    shown.say("waiting for the new worker")
    started = time.monotonic()
    running.start(FIRST, command("worker"))
    assigned = _until(running, lambda: _told(running, "renown_claims_total", FIRST) > 0)
    ready = _until(running, lambda: (running.folder / f"{FIRST}.ready").exists() and _working(running, FIRST))
    return {
        "assigned_to_ready_s": ready - assigned,
        "start_to_assigned_s": assigned - started,
        "start_to_ready_s": ready - started,
        "restored_records": _told(running, "renown_restored_records_total", FIRST),
        "changelog_mib": _changelog_bytes(running) / 2**20,
    }


def _killed_and_replaced(running: Rig, shown: Shown) -> Run:
    shown.say("letting the standby copies catch up")
    time.sleep(SETTLE_S)
    session_s = running.settings.session_timeout_s
    killed = time.monotonic()
    _kill(running, SECOND)
    del running.processes[SECOND]
    shown.say(f"waiting out the session of {session_s:g} s and the take-over")
    working = _until(running, lambda: _working(running, FIRST))
    return {
        "takeover_s": working - killed - session_s,
        "session_timeout_s": session_s,
        "killed_to_working_s": working - killed,
    }


def _kill(running: Rig, name: str) -> None:
    running.processes[name].kill()
    running.processes[name].wait()


def _working(running: Rig, name: str) -> bool:
    return _told(running, "renown_partitions", name) == running.settings.partitions


def _told(running: Rig, sample: str, name: str) -> float:
    """Return the worker's own figure; 0 while it does not answer."""
    with suppress(OSError):
        return by_worker(running, sample)[name]
    return 0.0


def _until(running: Rig, is_so: Callable[[], bool]) -> float:
    """Return the moment, on the monotonic clock, at which `is_so` was seen; BenchError after `LIMIT_S`."""
    until = time.monotonic() + LIMIT_S
    while not is_so():
        running.check()
        if time.monotonic() > until:
            raise BenchError(f"no working owner of all partitions after {LIMIT_S:.0f} s")
        time.sleep(POLL_S)
    return time.monotonic()


def _changelog_bytes(running: Rig) -> int:
    """Return what the changelog's segments take on disk."""
    return sum(path.stat().st_size for path in running.folder.rglob("*-users-changelog-*/*.log"))
