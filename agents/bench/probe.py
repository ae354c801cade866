"""An outsider's view of latency: sends single marked engagements and looks into Redis until they can be read.

Each mark hits somebody who was never scored before, so that the limit of one score a second per user plays no
part, and whatever is readable of her contains the mark.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from agents.bench.errors import BenchError
from agents.bench.steady import Sending
from agents.bench.synthetic import user_names, value_of
from schemas.redis_keys import RedisKeys
from streams.clock import wall_ms

POLL_S: Final = 0.002
UNREADABLE_AFTER_S: Final = 30.0
SEED: Final = 77


@dataclass(slots=True)
class Probe:
    """Marks and looks; `delays_ms` holds append to readable, each too long by the pause between looks at most."""

    producer: AIOKafkaProducer
    redis: Redis
    topic: str
    keys: RedisKeys
    delays_ms: list[float] = field(default_factory=list)
    _appended_at_ms: dict[str, int] = field(default_factory=dict)
    _marking: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, rate: float, seconds: float, sending: Sending) -> None:
        """Mark `rate` times a second for `seconds`, then look until every mark is readable; raises BenchError."""
        users = user_names(max(1, int(rate * seconds)), SEED, "mark")
        started = time.monotonic()
        marked = 0
        while marked < len(users) or self._marking or self._appended_at_ms:
            sending.check()
            now = time.monotonic() - started
            while marked < len(users) and marked <= now * rate:
                self._start(marked, users[marked])
                marked += 1
            await self._look()
            if now > seconds + UNREADABLE_AFTER_S:
                raise BenchError(f"{len(self._appended_at_ms)} marks unreadable after {UNREADABLE_AFTER_S:.0f} s")
            await asyncio.sleep(POLL_S)

    def _start(self, number: int, user: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._mark(number, user))
        self._marking.add(task)
        task.add_done_callback(self._marking.discard)

    async def _mark(self, number: int, user: bytes) -> None:
        actor = b"probe:" + user[-10:]
        value = value_of(number, b"share", actor, user, wall_ms())
        appended = await self.producer.send_and_wait(self.topic, value, actor)
        self._appended_at_ms[user.decode()] = appended.timestamp

    async def _look(self) -> None:
        """Ask Redis for all marks under way at once."""
        users = list(self._appended_at_ms)
        if not users:
            return
        async with self.redis.pipeline(transaction=False) as asked:
            for user in users:
                asked.exists(self.keys.user(user))
            readable = await asked.execute()
        now_ms = wall_ms()
        for user, is_readable in zip(users, readable, strict=True):
            if is_readable:
                self.delays_ms.append(max(0, now_ms - self._appended_at_ms.pop(user)))
