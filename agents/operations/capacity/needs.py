"""What a load needs: partitions, workers, memory, Kafka's and Redis' sizes. Pure arithmetic on measured costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from agents.operations.capacity.costs import Costs
from schemas.granted import GRANTED
from schemas.topics import DAY_MS, Topics

GIB: Final = 2.0**30
USED: Final = 0.6
"""The share of a core that is planned to be busy: the rest is for peaks, recovery and the sweep."""
SPARE: Final = 1.3
"""Memory beyond what is measured: growing tables are copied, fetches and batches come and go."""
PARTITIONS_PER_WORKER: Final = 2
"""At least so many, so that workers can be doubled without repartitioning."""
LEAST_PARTITIONS: Final = 8
EMIT_INTERVALS_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
UNDO_WINDOW_S: Final = 86_400.0
KAFKA_DIRTY: Final = 2.0
"""A compacted log holds at most about twice its newest records before it is cleaned."""


@dataclass(frozen=True, slots=True)
class Load:
    """What comes: engagements a second for long, people, pairs beside each, and how the deployment is kept.

    `worker_bytes` is the most memory that one worker is to have: what it holds, it reads back after a crash.
    """

    events_per_s: float
    users: int
    pairs_per_user: float = 10.0
    worker_bytes: float = 16 * GIB
    standbys: int = 1
    replication: int = 3
    history_days: int = 90


@dataclass(frozen=True, slots=True)
class Needs:
    """What a load needs; bytes are of one process or one server as their names say, disk of all brokers together."""

    workers: int
    partitions: int
    worker_memory_bytes: float
    scores_per_s: float
    emit_interval_s: float
    scoring_agents: int
    redis_cores_used: float
    redis_memory_bytes: float
    kafka_cores_used: float
    kafka_write_bytes_per_s: float
    kafka_disk_bytes: float
    notes: tuple[str, ...]


def needs(load: Load, costs: Costs) -> Needs:
    """Return what `load` needs where things cost `costs`."""
    emit_s, scores = _scores(load, costs)
    workers = _workers(load, costs, scores)
    written = load.events_per_s * (costs.engagement_log_bytes + costs.credit_log_bytes)
    written += scores * costs.score_log_bytes + load.events_per_s * costs.user_log_bytes
    return Needs(
        workers=workers,
        partitions=_power_of_two(max(LEAST_PARTITIONS, workers * PARTITIONS_PER_WORKER)),
        worker_memory_bytes=_worker_memory(load, costs, workers),
        scores_per_s=scores,
        emit_interval_s=emit_s,
        scoring_agents=max(1, _cores(scores * costs.scoring_us_per_score)),
        redis_cores_used=scores * costs.redis_us_per_score / 1e6,
        redis_memory_bytes=_redis_memory(load, costs),
        kafka_cores_used=load.events_per_s * costs.kafka_us_per_event * load.replication / 1e6,
        kafka_write_bytes_per_s=written * load.replication,
        kafka_disk_bytes=_disk(load, costs) * load.replication,
        notes=_notes(load, costs, emit_s, scores),
    )


def _cores(us_per_s: float) -> int:
    return math.ceil(us_per_s / 1e6 / USED)


def _power_of_two(least: int) -> int:
    """Return the first power of two that is not less.

    >>> _power_of_two(8), _power_of_two(9)
    (8, 16)
    """
    return 1 << (least - 1).bit_length()


def touched_per_s(events_per_s: float, users: int, interval_s: float) -> float:
    """Return how many users a second get a new score at most when each gets one an interval, targets even.

    >>> round(touched_per_s(1000, 10**9, 1.0)), round(touched_per_s(1000, 100, 10.0))
    (1000, 10)
    """
    hit = users * -math.expm1(-events_per_s * interval_s / users)
    return hit / interval_s


def _scores(load: Load, costs: Costs) -> tuple[float, float]:
    """Return the least interval between two scores of a user at which one Redis keeps up, and the scores a second."""
    for interval_s in EMIT_INTERVALS_S:
        scores = touched_per_s(load.events_per_s, load.users, interval_s)
        if scores * costs.redis_us_per_score / 1e6 <= USED:
            break
    return interval_s, scores


def _workers(load: Load, costs: Costs, scores: float) -> int:
    """Return the least number of workers that have the cores and the memory, two for one to be lost."""
    by_cores = _cores(load.events_per_s * costs.worker_us_per_event + scores * costs.worker_us_per_score)
    room = max(load.worker_bytes - costs.worker_base_bytes, 0.1 * load.worker_bytes)
    by_memory = math.ceil(_tables(load, costs) / room)
    return max(2, by_cores, by_memory)


def _tables(load: Load, costs: Costs) -> float:
    """Return what all tables take, standbys too."""
    user = costs.row_bytes_per_user + load.pairs_per_user * costs.row_bytes_per_pair
    return SPARE * load.users * user * (1 + load.standbys)


def _worker_memory(load: Load, costs: Costs, workers: int) -> float:
    return costs.worker_base_bytes + _tables(load, costs) / workers


def _redis_memory(load: Load, costs: Costs) -> float:
    user = costs.redis_bytes_per_user + (load.history_days - 1) * costs.redis_bytes_per_history_day
    return SPARE * load.users * user


def _disk(load: Load, costs: Costs) -> float:
    """Return what one copy of all topics takes."""
    topics = Topics()
    kept_s = {t.name: int(t.config["retention.ms"]) / 1000 for t in (topics.engagements, topics.credits)}
    logs = load.events_per_s * costs.engagement_log_bytes * kept_s[topics.engagements.name]
    logs += load.events_per_s * costs.credit_log_bytes * kept_s[topics.credits.name]
    compacted = load.users * (costs.score_log_bytes + costs.user_log_bytes)
    compacted += load.users * load.pairs_per_user * costs.row_bytes_per_pair
    return logs + compacted * KAFKA_DIRTY


def _notes(load: Load, costs: Costs, emit_s: float, scores: float) -> tuple[str, ...]:
    """Return what to set or to know beside the numbers."""
    found = []
    if emit_s > EMIT_INTERVALS_S[0]:
        found.append(
            f"set RENOWN_EMIT_INTERVAL_S={emit_s:g}: where all are engaged with alike, "
            "one Redis cannot take a score of each every second"
        )
    if scores * costs.redis_us_per_score / 1e6 > USED:
        found.append("one Redis does not keep up even so: split people over several pipelines by RENOWN_PREFIX")
    if (held := _disk(load, costs) * load.replication / GIB) > 10_000:  # noqa: PLR2004 - ten terabytes
        days = int(Topics().engagements.config["retention.ms"]) // DAY_MS
        found.append(
            f"{held:,.0f} GiB of disk are mostly {days} days of engagements: shorten retention.ms if that is dear"
        )
    remembered = SPARE * load.events_per_s * GRANTED.itemsize * (1 + load.standbys)
    day, hour = (f"{remembered * each_s / GIB:,.1f} GiB" for each_s in (UNDO_WINDOW_S, 3600))
    found.append(
        f"what can be taken back for a day takes {day} more of all workers' memory; "
        f"RENOWN_UNDO_WINDOW_S=3600 makes it {hour}"
    )
    return tuple(found)
