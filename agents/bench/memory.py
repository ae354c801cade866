"""`renown bench memory`: what a user and a pair cost a worker, by its resident memory and by its tables."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Final

import psutil

from agents.bench.audit import audit
from agents.bench.figures import Figure, Run
from agents.bench.loading import loading
from agents.bench.own_stack import own_stack
from agents.bench.progress import Shown
from agents.bench.rig import Rig
from agents.bench.synthetic import Engagements, circle
from agents.tables import tables
from streams.clock import wall_ms

WARM_USERS: Final = 1_000
SLICE: Final = 20_000
MIB: Final = 2**20
FIGURES: Final = (
    Figure("resident_bytes_per_user", "B", "growth of resident memory by new users, without their pairs"),
    Figure("resident_bytes_per_pair", "B", "growth of resident memory by new pairs of known users"),
    Figure("resident_bytes_per_user_all", "B", "growth of resident memory per user, pairs and all"),
    Figure("table_bytes_per_user", "B", "row and flags, by the tables' own count"),
    Figure("table_bytes_per_pair", "B", "pair slot and its index, by the tables' own count"),
    Figure("pairs_per_user", "", "pair slots beside each user"),
    Figure("empty_resident_mib", "MiB", "worker that has scored a thousand users"),
    Figure("full_resident_mib", "MiB", "worker that has scored all users"),
)


@dataclass(frozen=True, slots=True)
class MemoryJob:
    """`users` people, each of whom engages with `pairs` others once, and then with as many others again.

    The first half makes users and pairs, the second pairs alone: so one can be told from the other. What a
    worker remembers of an event to know its repeats counts as part of the pair.
    """

    users: int
    pairs: int
    seed: int

    def arguments(self) -> dict[str, Any]:
        """Return what a comparison must agree on."""
        return asdict(self)


def measure(job: MemoryJob, shown: Shown) -> tuple[Run, dict[str, Any]]:
    """Return one run's figures and its exactness check; raises BenchError, InexactError."""
    engagements = circle(job.users, 2 * job.pairs, job.seed, wall_ms())
    warm = min(job.users // 2, WARM_USERS)
    with own_stack(1, shown.say) as running:
        resident = asyncio.run(_loaded(running, engagements, [warm, job.users * job.pairs, len(engagements)], shown))
        shown.say("reading the tables")
        run = asyncio.run(_table_sizes(running))
        found = audit(running, engagements)
        versions = running.versions()
    found.require()
    run |= _growth(resident, job, warm, run["pairs_per_user"] * job.users / len(engagements))
    return run, {"exactness": asdict(found), "versions": versions}


def _growth(resident: list[int], job: MemoryJob, warm: int, pairs_per_event: float) -> Run:
    """Return the figures of resident bytes when warm, with all users, and with all pairs.

    A user and her first pairs grow together, so what the pairs cost by the second half is taken off.
    """
    empty, half, full = resident
    events = job.users * job.pairs
    per_pair = (full - half) / (events * pairs_per_event)
    by_users = half - empty - per_pair * (events - warm) * pairs_per_event
    return {
        "resident_bytes_per_user": by_users / (job.users - warm),
        "resident_bytes_per_pair": per_pair,
        "resident_bytes_per_user_all": (full - empty) / (job.users - warm),
        "empty_resident_mib": empty / MIB,
        "full_resident_mib": full / MIB,
    }


async def _loaded(running: Rig, engagements: Engagements, marks: list[int], shown: Shown) -> list[int]:
    """Return the worker's resident bytes at each of the marks, which count engagements."""
    resident, done = [], 0
    with shown.bar("scoring", len(engagements)) as advance:
        async with loading(running, engagements, SLICE) as load:
            for mark in marks:
                await load.send(done, mark, advance)
                resident.append(_resident(running))
                done = mark
    return resident


def _resident(running: Rig) -> int:
    return int(psutil.Process(running.pids()[running.workers[0]]).memory_info().rss)


async def _table_sizes(running: Rig) -> Run:
    """Return what the tables say of their size when they are read back: they grow as the worker's do."""
    users = pairs = user_bytes = pair_bytes = 0
    async for partition in tables(running.settings):
        state = partition.state
        users, pairs = users + state.count, pairs + len(state.pairs)
        user_bytes, pair_bytes = user_bytes + state.nbytes - state.pairs.nbytes, pair_bytes + state.pairs.nbytes
    return {
        "table_bytes_per_user": user_bytes / users,
        "table_bytes_per_pair": pair_bytes / max(1, pairs),
        "pairs_per_user": pairs / users,
    }
