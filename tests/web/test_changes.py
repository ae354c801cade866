"""Live changes: server-sent events over a real socket and a real Redis."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agents.access.changes import revoke
from agents.access.key_file import changing
from agents.web.watches import MOST_BOARDS
from tests.web.process import process
from tests.web.serving import HOSTILE, LIMIT_S, Keys, Store, event, score_of, serving

pytestmark = pytest.mark.integration


async def test_a_user_is_followed_from_no_score_to_leaving(store: Store, redis_url: str) -> None:
    """A page that stays open shows what is, whatever happens."""
    async with serving(redis_url, store.keys.prefix) as client:
        async with client.get("/v1/changes", params={"user": "x:a"}) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert (await event(answer))[1:] == ("gone", {"user": "x:a"})
            await store.write(score_of("x:a"))
            assert (await event(answer))[1] == "score"
            await store.write(score_of("x:a", 2, score=13.0))
            tag, name, found = await event(answer)
            assert (name, found["score"]) == ("score", 13.0)
            await store.forget(["x:a"])
            assert (await event(answer))[1] == "gone"
        await store.write(score_of("x:a", 2, score=13.0), score_of("x:b"))
        async with client.get("/v1/changes?user=x:a", headers={"Last-Event-ID": tag}) as answer:
            await store.write(score_of("x:a", 3, score=14.0))
            assert (await event(answer))[2]["score"] == 14.0


@pytest.mark.parametrize("user", HOSTILE)
async def test_no_id_ends_a_field_of_an_event(store: Store, redis_url: str, user: str) -> None:
    """Who can write lines into a stream can write events."""
    await store.write(score_of(user))
    async with (
        serving(redis_url, store.keys.prefix) as client,
        client.get("/v1/changes", params={"user": user}) as answer,
    ):
        assert (await event(answer))[2]["user"] == user


async def test_a_leaderboard_is_followed(store: Store, redis_url: str) -> None:
    """Only its own places count: what changes below them is not told."""
    await store.write(score_of("x:a", raw=2.0), score_of("x:b", raw=1.0))
    async with serving(redis_url, store.keys.prefix) as client, client.get("/v1/changes?limit=1") as answer:
        assert [place["user"] for place in (await event(answer))[2]["places"]] == ["x:a"]
        await store.write(score_of("x:b", 2, raw=1.5))
        await store.write(score_of("x:b", 3, raw=3.0))
        assert [place["user"] for place in (await event(answer))[2]["places"]] == ["x:b"]


async def test_streams_are_bounded_and_given_back(store: Store, redis_url: str) -> None:
    """Streams stay open by nature: without a bound they end in no more files."""
    async with serving(redis_url, store.keys.prefix, max_streams=2) as client:
        first = await client.get("/v1/changes?user=x:a")
        second = await client.get("/v1/changes")
        async with client.get("/v1/changes?user=x:b") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "renown_web_streams 2.0" in await (await client.get("/metrics")).text()
        second.close()
        async with asyncio.timeout(LIMIT_S):
            while "renown_web_streams 1.0" not in await (await client.get("/metrics")).text():  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.1)
        third = await client.get("/v1/changes")
        assert third.status == 200
        for answer in (first, third):
            answer.close()


async def test_different_leaderboards_are_bounded_and_each_may_be_shared(store: Store, redis_url: str) -> None:
    """Each costs as much as all its places, whoever thinks of its name."""
    async with serving(redis_url, store.keys.prefix) as client:
        streams = [await client.get(f"/v1/changes?network=n{at}") for at in range(MOST_BOARDS)]
        async with client.get("/v1/changes?network=more") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        streams += [await client.get("/v1/changes?network=n0"), await client.get("/v1/changes?user=x:a")]
        assert {answer.status for answer in streams} == {200}
        for answer in streams:
            answer.close()


def test_open_streams_do_not_hold_up_the_end(redis_url: str, own_prefix: str, tmp_path: Path) -> None:
    """Streams never end by themselves, and a restart must not wait for them."""
    with process(redis_url, own_prefix, tmp_path) as address:
        stream = urllib.request.urlopen(f"{address}/v1/changes?user=x:a", timeout=20)  # noqa: S310 - our own server
        assert stream.readline().startswith(b"id: ")
        started = time.monotonic()
    assert time.monotonic() - started < 8.0
    stream.close()


async def test_many_watchers_of_one_user_cost_one_look(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of looking grows with what is watched, not with who watches."""
    from agents.lookup import reader

    looks = 0
    original = reader.Reader.score

    async def counted(self: reader.Reader, user: str) -> Any:
        nonlocal looks
        looks += 1
        return await original(self, user)

    monkeypatch.setattr(reader.Reader, "score", counted)
    await store.write(score_of("x:a"))
    async with serving(redis_url, store.keys.prefix) as client:
        answers = [await client.get("/v1/changes?user=x:a") for _ in range(20)]
        for answer in answers:
            await event(answer)
        before = looks
        await store.write(score_of("x:a", 2, score=20.0))
        assert {(await event(answer))[2]["score"] for answer in answers} == {20.0}
        assert looks - before <= 4
        for answer in answers:
            answer.close()


async def test_a_stream_ends_with_its_key(store: Store, redis_url: str, tmp_path: Path) -> None:
    """Who revokes a key wants its holder out, not out once it has hung up by itself."""
    await store.write(score_of("x:a"))
    keys = Keys(tmp_path, 1_000.0)
    async with (
        serving(redis_url, store.keys.prefix, keys.gate) as client,
        client.get("/v1/changes?user=x:a", headers=keys.header("app")) as answer,
    ):
        assert (await event(answer))[2]["score"] == 12.3
        with changing(keys.path) as found:
            revoke(found, "app")
        await store.write(score_of("x:a", 2, score=13.0))
        async with asyncio.timeout(LIMIT_S):
            assert await answer.content.read() == b""


@pytest.mark.parametrize("query", ["user=x:a&network=x", "user=nonsense", "limit=101", "nework=x"])
async def test_a_stream_that_makes_no_sense_is_refused_before_it_begins(
    store: Store, redis_url: str, query: str
) -> None:
    """An error must be an answer, not a stream that never says anything."""
    async with serving(redis_url, store.keys.prefix) as client, client.get(f"/v1/changes?{query}") as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
