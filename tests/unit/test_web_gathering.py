"""Reads that come together go together, on the real Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.exceptions import RedisError

from agents.lookup.gathering import MOST_AT_ONCE, Gathering
from agents.lookup.reader import connected

pytestmark = pytest.mark.integration


async def test_everybody_gets_their_own_answer_in_few_pipelines(
    redis_url: str, own_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed-up answers would show one person another's score."""
    redis = connected(redis_url)
    number = 2 * MOST_AT_ONCE + 10
    for at in range(number):
        await redis.hset(f"{own_prefix}:{at}", "n", str(at))
    trips = 0
    original = redis.pipeline

    def counted(**options: Any) -> Any:
        nonlocal trips
        trips += 1
        return original(**options)

    monkeypatch.setattr(redis, "pipeline", counted)
    gathering = Gathering(redis)
    found = await asyncio.gather(*(gathering.hash(f"{own_prefix}:{at}") for at in range(number)))
    assert [int(each[b"n"]) for each in found] == list(range(number))
    assert trips == 3
    await redis.aclose()


async def test_who_leaves_or_asks_for_what_is_no_hash_hurts_nobody(redis_url: str, own_prefix: str) -> None:
    """A reader that hangs up in the middle must not take the others' answers along."""
    redis = connected(redis_url)
    await redis.hset(f"{own_prefix}:good", "n", "1")
    await redis.set(f"{own_prefix}:bad", "text")
    gathering = Gathering(redis)
    tasks = [asyncio.create_task(gathering.hash(f"{own_prefix}:{name}")) for name in ("good", "bad", "good", "none")]
    await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert isinstance(found[1], RedisError)
    assert found[2:] == [{b"n": b"1"}, {}]
    assert await gathering.hash(f"{own_prefix}:good") == {b"n": b"1"}
    await redis.aclose()
