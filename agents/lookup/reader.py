"""Scores as readers get them: plain reads of Redis, nothing else needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis

from agents.lookup.stored import StoredScore, stored_moments, stored_score
from agents.redis_connection import redis_client
from schemas.redis_keys import RedisKeys
from schemas.score import Moment

TIMEOUT_S = 5.0
NETWORK_PATTERN = r"[a-z0-9-]{1,32}"


class Ranked(NamedTuple):
    """A place on a leaderboard, counted from 1."""

    rank: int
    score: StoredScore


class Day(NamedTuple):
    """The last shown score of a UTC day, YYYY-MM-DD."""

    day: str
    score: float


def connected(url: str, **login: Any) -> Redis:
    """Return a client for reading; failures show at once."""
    return redis_client(url, name="renown-lookup", connect_s=TIMEOUT_S, reply_s=TIMEOUT_S, **login)


class Reader:
    """Reads what the scoring agent wrote under `keys`. Users are valid ids in NFC."""

    def __init__(self, redis: Redis, keys: RedisKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def scores(self, users: Sequence[str]) -> list[StoredScore | None]:
        """Return one score per user in order, None for those without."""
        pipe = self._redis.pipeline(transaction=False)
        for user in users:
            pipe.hgetall(self._keys.user(user))
        found = await pipe.execute()
        return [stored_score(user, fields) if fields else None for user, fields in zip(users, found, strict=True)]

    async def top(self, count: int, network: str | None = None, *, by_momentum: bool = False) -> list[Ranked]:
        """Return the first `count` of a leaderboard: of everybody, of one network, or by momentum."""
        board = self._keys.top_momentum() if by_momentum else self._keys.top(network)
        members = cast("list[bytes]", await self._redis.zrevrange(board, 0, count - 1))
        users = [member.decode() for member in members]
        scores = await self.scores(users)
        return [Ranked(rank, score) for rank, score in enumerate(scores, 1) if score is not None]

    async def history(self, user: str) -> list[Day]:
        """Return the user's days, oldest first; empty for unknown users."""
        found = cast("dict[bytes, bytes]", await self._redis.hgetall(self._keys.history(user)))
        return sorted(Day(day.decode(), float(score)) for day, score in found.items())

    async def moments(self, user: str) -> tuple[Moment, ...]:
        """Return the events that weigh most, heaviest first as the score said."""
        return stored_moments(cast("bytes | None", await self._redis.get(self._keys.why(user))))
