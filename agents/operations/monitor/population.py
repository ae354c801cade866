"""What scores look like over everybody: an even sample of the leaderboard's ranks, read as any reader reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
from redis.asyncio import Redis

from agents.lookup.reader import Reader
from agents.lookup.stored import StoredScore
from agents.operations.monitor.metrics import BANDS, LEADERS
from schemas.redis_keys import RedisKeys

MOVED_POINTS = 1.0
"""A change below one point is decay and rounding."""


class Sample(NamedTuple):
    """Board sizes, the sampled scores from rank 1 downwards, and the masses of the first leaders."""

    ranked: int
    trending: int
    scores: list[StoredScore]
    leaders: list[float]


async def sampled(redis: Redis, keys: RedisKeys, most: int) -> Sample:
    """Return at most `most` users at even distances on the leaderboard; RedisError when Redis is away."""
    ranked, trending = await redis.zcard(keys.top()), await redis.zcard(keys.top_momentum())
    pipe = redis.pipeline(transaction=False)
    for rank in _ranks(ranked, most):
        pipe.zrevrange(keys.top(), rank, rank)
    users = [member.decode() for members in await pipe.execute() for member in members]
    scores = [score for score in await Reader(redis, keys).scores(users) if score is not None]
    first = cast("list[tuple[bytes, float]]", await redis.zrevrange(keys.top(), 0, max(LEADERS) - 1, withscores=True))
    return Sample(ranked, trending, scores, [mass for _, mass in first])


def _ranks(ranked: int, most: int) -> list[int]:
    """Return ranks at even distances, the middle of each stretch.

    >>> _ranks(3, 10), _ranks(100, 4)
    ([0, 1, 2], [12, 37, 62, 87])
    """
    count = min(ranked, most)
    return [int((number + 0.5) * ranked / count) for number in range(count)]


def percentiles(values: Sequence[float], wanted: Sequence[int]) -> list[float]:
    """Return the percentiles, zeros without values."""
    return [0.0] * len(wanted) if not values else [float(each) for each in np.percentile(values, wanted)]


def bands(scores: Sequence[float]) -> list[float]:
    """Return the share of scores in 1-10, 11-20 and so on; zeros without scores.

    >>> bands([1.0, 10.9, 11.0, 100.0])
    [0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25]
    """
    counts = [0] * len(BANDS)
    for score in scores:
        counts[min(max(int(score) - 1, 0) // 10, len(BANDS) - 1)] += 1
    return [count / max(1, len(scores)) for count in counts]


def moved(changes: Sequence[float]) -> tuple[float, float, float]:
    """Return the shares that went up, stood still and went down by a point or more; zeros without changes.

    >>> moved([2.0, 0.4, -1.1, 0.0])
    (0.25, 0.5, 0.25)
    """
    among = max(1, len(changes))
    up, down = (sum(each * sign >= MOVED_POINTS for each in changes) for sign in (1, -1))
    return up / among, (len(changes) - up - down) / among, down / among


def share_of_first(leaders: Sequence[float], count: int, mean_mass: float, ranked: int) -> float:
    """Return the share of the whole mass, as the sample's mean tells it, that the first `count` hold."""
    whole = max(mean_mass * ranked, sum(leaders))
    return sum(leaders[:count]) / whole if whole else 0.0
