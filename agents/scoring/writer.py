"""Scores into Redis, newest wins, together with how far each partition of the scores topic is applied.

The position lives in Redis beside the scores and changes in the same step, so that Redis itself says what it
holds: an empty, restored or replaced Redis shows an stale position (or none), and the agent reads on from there.
It also fences a second agent: whoever expects another position than the stored one has lost the partition.
One Redis instance only: the keys of one call lie in different slots of a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from agents.redis_connection import redis_client
from agents.scoring.entries import Entry, call_of, side_by_side
from schemas.redis_keys import RedisKeys
from streams.engine.crashpoints import reach

USERS_A_CALL = 200
CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 10.0
SCRIPT = Path(__file__).with_name("newest_wins.lua").read_text()


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a write: users written, left out as not newer, removed."""

    written: int = 0
    stale: int = 0
    removed: int = 0


class MovedError(Exception):
    """Redis holds another position than expected: nothing was written; `position` is what it holds, None = nothing."""

    def __init__(self, position: int | None) -> None:
        super().__init__(f"Redis holds position {position}")
        self.position = position


def connected(url: str, **login: Any) -> Redis:
    """Return a client that tells of failures at once: waiting and trying again is the agent's business."""
    return redis_client(url, name="renown-scoring", connect_s=CONNECT_TIMEOUT_S, reply_s=REPLY_TIMEOUT_S, **login)


class ScoreWriter:
    """Writes entries of one partition after the other under `keys`."""

    def __init__(self, redis: Redis, keys: RedisKeys) -> None:
        self._redis = redis
        self._keys = keys
        self._sha = ""

    async def positions(self, partitions: Sequence[int]) -> dict[int, int | None]:
        """Return for each partition the offset to apply next, None when Redis holds none."""
        if not partitions:
            return {}
        found = await self._redis.hmget(self._keys.meta(), [_field(each) for each in partitions])
        return {each: None if raw is None else int(raw) for each, raw in zip(partitions, found, strict=True)}

    async def write(self, partition: int, entries: Sequence[Entry], expected: int | None, following: int) -> Written:
        """Write the entries and move the partition's position from `expected` to `following`.

        Raises MovedError when Redis holds another position, and redis-py's errors; either way calling again
        with the right position is safe: what is written already is not newer than itself.
        """
        total = Written()
        entries = side_by_side(entries)
        parts = [entries[at : at + USERS_A_CALL] for at in range(0, len(entries), USERS_A_CALL)] or [[]]
        for part in parts:
            after = following if part is parts[-1] else expected
            one = await self._call(partition, part, expected, after)
            if part is not parts[-1]:
                reach("scoring_part")
            total = Written(total.written + one.written, total.stale + one.stale, total.removed + one.removed)
        return total

    async def _call(self, partition: int, entries: Sequence[Entry], expected: int | None, after: int | None) -> Written:
        owned, heads, values = call_of(entries, self._keys)
        keys = [self._keys.meta(), self._keys.top(), self._keys.top_momentum(), *owned]
        arguments: list[str | bytes] = [_field(partition), _text(expected), _text(after), heads, values]
        state, *rest = await self._evaluated(keys, arguments)
        if state == b"moved":
            raise MovedError(int(rest[0]) if rest[0] else None)
        return Written(*rest)

    async def _evaluated(self, keys: list[str], arguments: list[str | bytes]) -> list[Any]:
        if not self._sha:
            self._sha = await self._redis.script_load(SCRIPT)
        try:
            return cast("list[Any]", await self._redis.evalsha(self._sha, len(keys), *keys, *arguments))
        except NoScriptError:
            self._sha = await self._redis.script_load(SCRIPT)
            return cast("list[Any]", await self._redis.evalsha(self._sha, len(keys), *keys, *arguments))


def _field(partition: int) -> str:
    return f"applied:{partition}"


def _text(position: int | None) -> str:
    return "" if position is None else str(position)
