"""What any history of records leaves in Redis, against the contract written down once more, plainly."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from agents.scoring.entries import newest
from agents.scoring.meta import clear
from agents.scoring.writer import ScoreWriter, connected
from schemas.redis_keys import HISTORY_DAYS, RedisKeys
from schemas.score import Counts, Moment, Parts, Score

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000
USERS = ("x:a", "x:b", "y:😀", "z:{t}", "momentum:z", "x:a:b")
HISTORIES, MOST_POLLS, MOST_RECORDS = 25, 12, 12
Record = tuple[str, Score | None]


def _day(ms: int, before: int = 0) -> str:
    return (datetime.fromtimestamp(ms / 1000, UTC) - timedelta(days=before)).date().isoformat()


@dataclass
class Reference:
    """Every user's hash, history and moments, and the boards, as the contract has them."""

    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    histories: dict[str, dict[str, str]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    raws: dict[str, float] = field(default_factory=dict)
    momenta: dict[str, float] = field(default_factory=dict)

    def apply(self, user: str, score: Score | None) -> None:
        """Take in one record: a tombstone, or a score that counts when it is newer."""
        if score is None:
            for each in (self.hashes, self.histories, self.moments, self.raws, self.momenta):
                each.pop(user, None)
        elif user not in self.hashes or score.version > int(self.hashes[user]["version"]):
            self._write(user, score)

    def _write(self, user: str, score: Score) -> None:
        known, day, shown = self.hashes.get(user), _day(score.as_of), f"{score.score:.1f}"
        history = self.histories.setdefault(user, {})
        history[day] = shown
        before = {name: known[name] if known else "" for name in ("before_1d", "before_7d")}
        if known and known["day"] != day:
            oldest = _day(score.as_of, HISTORY_DAYS - 1)
            for each in [each for each in history if each < oldest]:
                del history[each]
            for name, days in (("before_1d", 1), ("before_7d", 7)):
                earlier = [each for each in history if each <= _day(score.as_of, days)]
                before[name] = history[max(earlier)] if earlier else ""
        changes = {
            f"change_{name[-2:]}": f"{float(shown) - float(value):.1f}" if value else ""
            for name, value in before.items()
        }
        self.moments[user] = msgspec.json.encode(score.moments).decode()
        self.raws[user] = score.raw
        self.momenta.pop(user, None)
        if score.momentum >= 0.01:
            self.momenta[user] = score.momentum
        self.hashes[user] = {
            **before, **changes, "day": day, "score": shown, "target_score": f"{score.target_score:.2f}",
            "raw": repr(score.raw), "relationships": f"{score.relationships:.2f}", "momentum": repr(score.momentum),
            "reach": repr(score.reach), "percentile": f"{score.percentile:.3f}",
            "provisional": str(int(score.provisional)), "as_of": str(score.as_of), "version": str(score.version),
            "model": score.model, "counts_7d": msgspec.json.encode(score.counts_7d).decode(),
            "parts": msgspec.json.encode(score.parts).decode(),
        }  # fmt: skip

    def content(self, keys: RedisKeys) -> dict[str, Any]:
        """Return every key but meta and what it holds."""
        boards: dict[str, dict[str, float]] = {keys.top(): self.raws, keys.top_momentum(): self.momenta}
        for user, raw in self.raws.items():
            if not user.startswith("momentum:"):
                boards.setdefault(keys.top(user.split(":")[0]), {})[user] = raw
        return {
            **{keys.user(user): each for user, each in self.hashes.items()},
            **{keys.history(user): each for user, each in self.histories.items()},
            **{keys.why(user): each for user, each in self.moments.items()},
            **{key: board for key, board in boards.items() if board},
        }


async def _content(redis: Redis, keys: RedisKeys) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async for raw in redis.scan_iter(match=f"{keys.prefix}:*", count=1_000):
        key, kind = raw.decode(), await redis.type(raw)
        if kind == b"hash":
            found[key] = {name.decode(): each.decode() for name, each in (await redis.hgetall(raw)).items()}
        elif kind == b"zset":
            found[key] = {user.decode(): rank for user, rank in await redis.zrange(raw, 0, -1, withscores=True)}
        else:
            found[key] = (await redis.get(raw) or b"").decode()
    found.pop(keys.meta(), None)
    return found


def _folded(records: list[Record]) -> list[Record]:
    """Return what is left of a poll's records: what a user's later ones make up for never reaches Redis."""
    last: dict[str, list[Score | None]] = {}
    for user, score in records:
        states = last.setdefault(user, [])
        if score is None:
            states[:] = [None]
        elif not states or states[-1] is None or score.version > states[-1].version:
            states[1 if states and states[0] is None else 0 :] = [score]
    return [(user, state) for user, states in last.items() for state in states]


def _record(draw: random.Random) -> Record:
    """Draw a record: versions and days collide, go back and leap, and some values stay as they were."""
    user = draw.choice(USERS)
    if draw.random() < 0.1:
        return user, None
    raw, momentum = draw.choice([1.0, draw.expovariate(0.1)]), draw.choice([0.0, 0.0099, 0.01, 1e-7, draw.random()])
    return user, Score(
        user=user, score=draw.choice([1.0, 12.3, round(draw.uniform(1, 100), 1)]), raw=raw, momentum=momentum,
        target_score=round(draw.uniform(1, 100), 3), relationships=round(draw.uniform(1, 100), 1),
        percentile=round(draw.uniform(0, 100), 3), provisional=draw.random() < 0.5, reach=momentum * 3,
        counts_7d=Counts(like=draw.getrandbits(3)),
        parts=Parts(raw, 0.0, 0.0, 0.0, 0.0),
        moments=(Moment(0, draw.getrandbits(20), "like", 5, raw),)[: draw.getrandbits(1)],
        as_of=1_790_000_000_000 + draw.choice([0, 0, 0, 1, 2, 8, 95]) * DAY_MS, model=draw.choice(["a@0", "b@1"]),
        version=draw.choice([draw.randrange(30), draw.randrange(30), 2**53 + draw.getrandbits(1), 10**9]),
    )  # fmt: skip


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a client on the real Redis."""
    client = connected(redis_url)
    yield client
    await client.aclose()


async def test_any_history_leaves_what_the_contract_says(redis: Redis, own_prefix: str) -> None:
    """Writes are left out and joined to save time, and nothing may be missing for it."""
    keys, writer = RedisKeys(own_prefix), ScoreWriter(redis, RedisKeys(own_prefix))
    for seed in range(HISTORIES):
        draw, reference, position = random.Random(seed), Reference(), None
        await clear(redis, keys)
        for poll in range(draw.randint(1, MOST_POLLS)):
            records = [_record(draw) for _ in range(draw.randint(1, MOST_RECORDS))]
            for record in _folded(records):
                reference.apply(*record)
            await writer.write(0, newest(records), position, poll)
            position = poll
            assert await _content(redis, keys) == reference.content(keys), f"history {seed}, poll {poll}"
