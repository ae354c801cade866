"""Leaving over HTTP: only for stewards, by keyed hash alone, and to the end even when nobody waits for it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.web.stewardship import MOST_AT_ONCE
from deploy.local import ports
from deploy.local.state import StackState
from schemas.command import decode_command, subject_of
from schemas.identifiers import user_id
from schemas.redis_keys import RESERVED_NETWORK
from streams.engine.hashing import hash_id
from tests.events import engagements, write
from tests.integration.pipeline import pipeline
from tests.web.departing import PATH, RATE, Desk, desk_of
from tests.web.serving import HOSTILE, LIMIT_S, Keys, path_of, serving

pytestmark = pytest.mark.integration
LEAVING: dict[str, Any] = {"user": "x:a", "command": "opt_out"}
SENSELESS: tuple[Any, ...] = (
    *({"user": user, "command": "forget"} for user in ("ann", "", "x:", "X:a", "x:a\n", "x:\ud800", "😀", 7)),
    *({"user": user, "command": "forget"} for user in ("x:" + "é" * 5_000, f"{RESERVED_NETWORK}:a")),
    *({"user": "x:a", "command": command} for command in ("OPT_OUT", "opt-out", "", None, ["forget"])),
    {"user": "x:a"}, {"command": "forget"}, {**LEAVING, "by": "somebody"}, [LEAVING], None, "x:a",
)  # fmt: skip


@pytest.fixture
async def desk(kafka_bootstrap: str, redis_url: str, own_prefix: str, tmp_path: Path) -> Desk:
    """Give a deployment of its own."""
    return await desk_of(kafka_bootstrap, redis_url, own_prefix, tmp_path)


async def test_a_command_stands_and_names_nobody(desk: Desk) -> None:
    """The list of those who left must not be a list of people."""
    asked = [(user, command) for user, command in zip(HOSTILE, ["opt_out", "opt_in", "forget"] * 4, strict=True)]
    async with desk.client() as client:
        for offset, (user, command) in enumerate(asked):
            status, found = await desk.ask(client, user, command)
            assert status == 202
            assert found == {"user": user, "command": command, "offset": offset, "obeyed": found["obeyed"]}
    records = await desk.records(desk.settings.topics.commands)
    assert len(records) == len(asked)
    for record, (user, command) in zip(records, asked, strict=True):
        found = decode_command(record.value)
        subject = subject_of(hash_id(user_id(user), desk.settings.hash_key.encode()))
        assert (found.command, found.subject, found.by, record.key) == (command, subject, "desk", subject.encode())
        assert user.encode() not in (record.value or b"")


async def test_who_leaves_over_http_is_gone_when_the_answer_says_so(
    stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """With workers that run, `obeyed` means that nobody can read the score any more."""
    events = write(tmp_path / "events.jsonl", engagements(300, 20, seed=5))
    with pipeline(stack, tmp_path, own_prefix, workers=1, profile="burst", commit_interval_s="0.3") as running:
        running.renown("ingest", str(events), "--format", "jsonl")
        running.renown("drain", "--timeout", "60")
        desk = Desk(running.settings, Keys(tmp_path, RATE))
        async with desk.client() as client:
            reader = desk.keys.header("app")
            for user, command in (("test:user1", "forget"), ("test:user2", "opt_out")):
                assert (await client.get(path_of(user), headers=reader)).status == 200
                assert (await desk.ask(client, user, command, wait_s=30))[1]["obeyed"] is True
                assert (await client.get(path_of(user), headers=reader)).status == 404
            assert (await client.get(path_of("test:user3"), headers=reader)).status == 200


async def test_two_spellings_of_one_id_are_one_user(desk: Desk) -> None:
    """Whoever is scored in NFC must be able to leave from a keyboard that decomposes."""
    async with desk.client() as client:
        assert (await desk.ask(client, "x:Cafe\u0301"))[1]["user"] == "x:Caf\u00e9"
        await desk.ask(client, "x:Caf\u00e9")
    first, second = await desk.records(desk.settings.topics.commands)
    assert first.key == second.key


async def test_the_answer_says_whether_it_was_obeyed_in_time(desk: Desk) -> None:
    """Who reads `obeyed` as done must be right, and who waits is not kept longer than asked."""
    async with desk.client() as client:
        assert (await desk.ask(client, "x:a", wait_s=30))[1]["obeyed"] is True
        await desk.append(desk.settings.topics.engagements)
        started = time.monotonic()
        status, found = await desk.ask(client, "x:b", wait_s=1)
        assert (status, found["obeyed"]) == (202, False)
        assert 1.0 <= time.monotonic() - started < 3.0


async def test_a_server_that_stops_answers_who_waits(desk: Desk) -> None:
    """The command stands: its sender must hear that, and the server must not stay for it."""
    await desk.append(desk.settings.topics.engagements)
    async with AsyncExitStack() as patient:
        async with desk.client() as client:
            origin = (await client.get("/health")).url.origin()
            other = await patient.enter_async_context(ClientSession(origin))
            waiting = asyncio.create_task(desk.ask(other, "x:c", wait_s=30))
            await asyncio.sleep(1.0)
            ending = time.monotonic()
        assert time.monotonic() - ending < 5.0
        assert await waiting == (202, {**LEAVING, "user": "x:c", "offset": 0, "obeyed": False})


async def test_credits_that_name_people_go_even_when_nobody_waits(desk: Desk) -> None:
    """They name who was engaged with, and are kept for days otherwise."""
    topics = desk.settings.topics
    await desk.append(topics.credits)
    place = TopicPartition(topics.credits.name, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=desk.settings.bootstrap, group_id=topics.app_id, enable_auto_commit=False
    ) as consumer:
        consumer.assign([place])
        await consumer.commit({place: 1})
    async with desk.client() as client:
        assert (await desk.ask(client, "x:a"))[0] == 202
        async with asyncio.timeout(LIMIT_S):
            while await desk.records(topics.credits):
                pass


async def test_only_a_steward_is_let_in_and_nowhere_else(desk: Desk, redis_url: str) -> None:
    """A reader's key on some page must not delete people; without keys nobody's does, on loopback neither."""
    own = {"bootstrap": desk.settings.bootstrap, "prefix": desk.settings.prefix}
    wrong = {"Authorization": desk.keys.header("desk")["Authorization"][:-1] + "x"}
    async with desk.client() as client:
        answers = set()
        for headers in ({}, wrong, *map(desk.keys.header, ("app", "blog", "prom"))):
            async with client.post(PATH, json=LEAVING, headers=headers) as answer:
                answers.add((answer.status, answer.headers["WWW-Authenticate"], await answer.read()))
        assert len(answers) == 1
        assert answers.pop()[:2] == (401, "Bearer")
        assert (await client.get(path_of("x:a"), headers=desk.keys.header("desk"))).status == 401
        security = (await (await client.get("/openapi.json")).json())["paths"][PATH]["post"]["security"]
        assert security == [{"key": []}]
    async with serving(redis_url, desk.settings.redis_prefix, **own) as client:
        for headers in ({}, desk.keys.header("desk")):
            async with client.post(PATH, json=LEAVING, headers=headers) as answer:
                assert (answer.status, answer.content_type) == (403, "application/problem+json")
                assert "RENOWN_API_KEYS_FILE" in (await answer.json())["detail"]
    assert await desk.records(desk.settings.topics.commands) == []


async def test_what_makes_no_sense_is_refused_and_does_not_stand(desk: Desk) -> None:
    """A typing error must not become a deletion, nor an id a broken record."""
    async with desk.client() as client:
        header = desk.keys.header("desk")
        bodies = [({"json": body}, "") for body in SENSELESS]
        bodies += [({"data": data}, "") for data in (b"", b"{", b'{"user":"x:\xff","command":"forget"}', b"[" * 9_999)]
        bodies += [({"json": LEAVING}, query) for query in ("?wait=-1", "?wait=31", "?wait=nan", "?by=me", "?wait=")]
        for sent, query in bodies:
            async with client.post(PATH + query, **sent, headers=header) as answer:
                assert (answer.status, answer.content_type) == (400, "application/problem+json"), (sent, query)
        for method in ("GET", "DELETE", "PUT"):
            async with client.request(method, PATH, headers=header) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert await desk.records(desk.settings.topics.commands) == []


async def test_a_steward_has_a_rate_and_departures_at_once_are_bounded(
    kafka_bootstrap: str, redis_url: str, own_prefix: str, tmp_path: Path
) -> None:
    """A loop gone wild must neither delete everybody nor open connections without end."""
    desk = await desk_of(kafka_bootstrap, redis_url, own_prefix, tmp_path, rate=2 * MOST_AT_ONCE)
    async with desk.client() as client:
        at_once = await asyncio.gather(*(desk.ask(client, f"x:{number}") for number in range(2 * MOST_AT_ONCE)))
        statuses = [status for status, _ in at_once]
        assert set(statuses) == {202, 503}
        assert statuses.count(202) >= MOST_AT_ONCE
        async with client.post(PATH, json=LEAVING, headers=desk.keys.header("desk")) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert len(await desk.records(desk.settings.topics.commands)) == statuses.count(202)


async def test_while_kafka_is_away_who_asks_is_told_to_come_back(
    redis_url: str, own_prefix: str, tmp_path: Path
) -> None:
    """A command that does not stand must never look as if it did; the answer names none of our servers."""
    keys = Keys(tmp_path, 10.0)
    async with (
        serving(redis_url, own_prefix, keys.gate) as client,
        client.post(PATH, json=LEAVING, headers=keys.header("desk")) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.content_type == "application/problem+json"
        assert ports.HOST not in await answer.text()
        text = await (await client.get("/metrics", headers=keys.header("prom"))).text()
    assert 'renown_web_turned_away_total{reason="kafka_away"} 1.0' in text


async def test_people_can_leave_while_redis_is_away(desk: Desk) -> None:
    """The command needs Kafka alone."""
    away = dataclasses.replace(desk.settings, redis_url=f"redis://{ports.HOST}:{ports.pick()}/0")
    async with Desk(away, desk.keys).client() as client:
        assert (await desk.ask(client, "x:a"))[0] == 202


async def test_no_page_may_send_departures(desk: Desk) -> None:
    """Origins that may read must not delete: a steward's key has no business in a browser."""
    origin = {"Origin": "https://a.example"}
    own = {"bootstrap": desk.settings.bootstrap, "prefix": desk.settings.prefix, "cors_origins": "*"}
    async with serving(desk.settings.redis_url, desk.settings.redis_prefix, desk.keys.gate, **own) as client:
        assert "Access-Control-Allow-Origin" in (await client.options("/v1/scores", headers=origin)).headers
        for answer in (await client.options(PATH, headers=origin), await client.post(PATH, headers=origin)):
            assert "Access-Control-Allow-Origin" not in answer.headers
