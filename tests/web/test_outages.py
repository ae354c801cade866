"""When Redis is away, newer than we are, or damaged: an answer that says so, and nothing invented."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agents.web.watches import POLL_S
from deploy.local import ports
from deploy.local.progress import Silent
from deploy.local.redis import RedisServer
from schemas.score import CONTRACT_VERSION
from tests.web.serving import Store, event, path_of, score_of, serving

pytestmark = pytest.mark.integration


async def test_while_redis_is_away_readers_are_told_to_come_back(own_prefix: str) -> None:
    """A missing score and a missing Redis are different answers."""
    async with serving(f"redis://{ports.HOST}:{ports.pick()}/0", own_prefix) as client:
        for path in (path_of("x:a"), "/v1/top", "/v1/changes?user=x:a"):
            async with client.get(path) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
                assert answer.content_type == "application/problem+json"
        async with client.get("/health") as answer:
            assert (answer.status, await answer.json()) == (503, {"status": "degraded", "redis": "away"})
        assert (await client.get("/")).status == 200


async def test_a_redis_that_comes_back_is_read_again_and_streams_go_on(own_prefix: str, tmp_path: Path) -> None:
    """Nobody has to restart anything, and who watches learns what has happened meanwhile."""
    server = RedisServer(tmp_path, Silent())
    state = await asyncio.to_thread(server.start, None, lambda _: None)
    url = f"redis://{ports.HOST}:{state.port}/0"
    before, after = Store(url, own_prefix), Store(url, own_prefix, 1)
    await before.write(score_of("x:a"))
    async with serving(url, own_prefix) as client, client.get("/v1/changes?user=x:a") as stream:
        assert (await event(stream))[2]["score"] == 12.3
        stopped = await asyncio.to_thread(server.stop, state)
        async with client.get(path_of("x:a")) as answer:
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
        await asyncio.sleep(2.5 * POLL_S)
        state = await asyncio.to_thread(server.start, stopped, lambda _: None)
        await after.write(score_of("x:a", 2, score=13.0))
        async with client.get(path_of("x:a")) as answer:
            assert (answer.status, (await answer.json())["score"]) == (200, 13.0)
        assert (await event(stream))[2]["score"] == 13.0
    for store in (before, after):
        await store.redis.aclose()
    await asyncio.to_thread(server.stop, state)


async def test_hashes_of_a_newer_contract_are_refused(store: Store, redis_url: str) -> None:
    """Their fields may mean something else: a wrong score is worse than none."""
    await store.write(score_of("x:a"))
    await store.redis.hset(store.keys.meta(), "contract_version", str(CONTRACT_VERSION + 1))
    async with serving(redis_url, store.keys.prefix) as client, client.get(path_of("x:a")) as answer:
        problem = await answer.json()
        assert answer.status == 503
        assert (
            f"contract version {CONTRACT_VERSION + 1}, this release reads up to {CONTRACT_VERSION}" in problem["detail"]
        )


async def test_a_damaged_record_is_no_score(store: Store, redis_url: str) -> None:
    """Half a record must not read as a low score, and must not hurt others."""
    await store.write(score_of("x:a"), score_of("x:b"))
    await store.redis.hdel(store.keys.user("x:a"), "parts")
    await store.redis.hset(store.keys.user("x:c"), "score", "NaN")
    await store.redis.set(store.keys.user("x:d"), "no hash")
    async with serving(redis_url, store.keys.prefix) as client:
        for user in ("x:a", "x:c"):
            async with client.get(path_of(user)) as answer:
                assert answer.status == 500
                assert "renown scoring --rebuild" in (await answer.json())["detail"]
        assert (await client.get(path_of("x:d"))).status == 503
        await store.redis.set(store.keys.why("x:b"), "no JSON")
        await store.redis.hset(store.keys.history("x:b"), "2024-10-01", "low")
        for rest in ("/explanation", "/history"):
            async with client.get(path_of("x:b", rest)) as answer:
                assert (answer.status, "damaged" in (await answer.json())["detail"]) == (500, True)
        assert (await client.get(path_of("x:b"))).status == 200


async def test_unknown_paths_and_methods_are_problems_too(store: Store, redis_url: str) -> None:
    """One shape of error for every mistake."""
    async with serving(redis_url, store.keys.prefix) as client:
        for answer in (
            await client.get("/nothing"),
            await client.delete(path_of("x:a")),
            await client.get("/v1/scores/x:a/nothing"),
            await client.get("/static/../service.py"),
            await client.get("/static/%2e%2e%2fservice.py"),
        ):
            assert answer.content_type == "application/problem+json"
            assert answer.status in {404, 405}
            assert answer.headers["Server"] == "renown"
