"""Reads of single users that come at the same time go to Redis together, in one pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

MOST_AT_ONCE: Final = 256
Fields = Mapping[bytes, bytes]
_Asked = tuple[str, "asyncio.Future[Fields]"]


class Gathering:
    """One pipeline is under way at a time; what is asked meanwhile goes with the next.

    So a lone reader waits for nobody, and under load the cost of a round trip is shared.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[_Asked] = []
        self._task: asyncio.Task[None] | None = None

    async def hash(self, key: str) -> Fields:
        """Return the fields of the hash at `key`, empty when there is none; raises redis-py's errors."""
        future: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._task is None:
            self._task = asyncio.create_task(self._read())
        return await future

    async def _read(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                try:
                    await self._answer(asked)
                finally:
                    for _, future in asked:
                        future.cancel()  # nobody may wait for an answer that never comes; no-op where one came
        finally:
            self._task = None

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for key, _ in asked:
            pipe.hgetall(key)
        try:
            found = await pipe.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            found = [error] * len(asked)
        for (_, future), each in zip(asked, found, strict=True):
            if future.done():
                continue  # whoever asked has gone
            if isinstance(each, Exception):
                future.set_exception(each)
            else:
                future.set_result(each)
