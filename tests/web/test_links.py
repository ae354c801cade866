"""Linking over HTTP: only for stewards, by keyed hash alone, refused with the reason where it makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from redis import Redis

from agents.web.operations import LINKS
from schemas.command import decode_command, subject_of
from schemas.redis_keys import RedisKeys
from schemas.transfer import decode_transfer, names
from streams.engine.hashing import hash_id
from streams.engine.partitioner import partition_of
from tests.web.departing import Desk, desk_of
from tests.web.process import write
from tests.web.serving import path_of, score_of

pytestmark = pytest.mark.integration
LINK: dict[str, Any] = {"account": "x:a", "person": "p:ann"}
SENSELESS: tuple[Any, ...] = (
    {"account": "a", "person": "p:ann"}, {"account": "x:a", "person": "ann"}, {"account": "x:a", "person": ""},
    {"account": "x:a"}, {"person": "p:ann"}, {**LINK, "by": "me"}, [LINK], None, {"account": 7, "person": "p:ann"},
)  # fmt: skip


@pytest.fixture
async def desk(kafka_bootstrap: str, redis_url: str, own_prefix: str, tmp_path: Path) -> Desk:
    """Give a deployment of its own."""
    return await desk_of(kafka_bootstrap, redis_url, own_prefix, tmp_path)


async def asked(desk: Desk, client: ClientSession, body: Any, key: str = "desk") -> tuple[int, dict[str, Any]]:
    """Return status and document."""
    async with client.post(LINKS, json=body, headers=desk.keys.header(key)) as answer:
        return answer.status, await answer.json()


async def test_a_link_stands_and_names_nobody(desk: Desk) -> None:
    """The names go to the partitions that need them, in a topic that is cleared when somebody leaves."""
    hashed = {user: hash_id(user.encode(), desk.settings.hash_key.encode()) for user in ("x:a", "p:ann")}
    async with desk.client() as client:
        for offset, person in enumerate(["p:ann", "p:ann", None, None]):
            status, found = await asked(desk, client, {**LINK, "person": person})
            assert (status, found) == (202, {**LINK, "person": person, "offset": offset, "obeyed": found["obeyed"]})
    records = await desk.records(desk.settings.topics.commands)
    assert not any(name in (record.value or b"") for record in records for name in (b"x:a", b"p:ann"))
    link, again, end, _ = [decode_command(record.value) for record in records]
    assert (link.command, link.subject, link.by, end.command) == ("link", subject_of(hashed["x:a"]), "desk", "unlink")
    assert link.person is not None
    assert again.person is not None
    homes = [partition_of(user.encode(), desk.settings.partitions) for user in ("x:a", "p:ann")]
    assert (link.person.subject, link.person.home) == (subject_of(hashed["p:ann"]), homes[1])
    assert [place for place, _ in link.person.introduced] == sorted(set(homes))
    for record in await desk.records(desk.settings.topics.credits):
        assert names(decode_transfer(record.value or b"").body) == (b"x:a", b"p:ann")


async def test_what_the_links_speak_against_is_refused_and_does_not_stand(desk: Desk) -> None:
    async with desk.client() as client:
        assert (await asked(desk, client, LINK))[0] == 202
        for account, person, why in (
            ("x:a", "p:bob", "unlink it first"),
            ("x:b", "x:a", "link ACCOUNT to that person"),
            ("p:ann", "p:bob", "accounts of its own"),
            ("x:c", "x:c", "one id"),
        ):
            status, found = await asked(desk, client, {"account": account, "person": person})
            assert (status, why in found["detail"]) == (409, True), found
        text = await (await client.get("/metrics", headers=desk.keys.header("prom"))).text()
    assert len(await desk.records(desk.settings.topics.commands)) == 1
    assert 'renown_web_turned_away_total{reason="link_refused"} 4.0' in text


async def test_only_a_steward_may_link_and_only_what_makes_sense(desk: Desk) -> None:
    async with desk.client() as client:
        for key in ("app", "blog", "prom"):
            assert (await asked(desk, client, LINK, key))[0] == 401
        for body in SENSELESS:
            assert (await asked(desk, client, body))[0] == 400, body
    assert await desk.records(desk.settings.topics.commands) == []


async def test_an_account_is_answered_with_its_persons_score(desk: Desk) -> None:
    """Wherever one user is asked for; who is nobody's says nothing of it."""
    write(desk.settings.redis_url, desk.settings.redis_prefix, [score_of("p:ann", raw=2.0), score_of("x:b", raw=1.0)])
    redis: Any = Redis.from_url(desk.settings.redis_url)
    redis.hset(RedisKeys(desk.settings.redis_prefix).user("x:a"), "linked_to", "p:ann")
    async with desk.client() as client:

        async def read(path: str) -> Any:
            async with client.get(path, headers=desk.keys.header("app")) as answer:
                assert answer.status == 200, path
                return await answer.json()

        person = await read(path_of("p:ann"))
        assert "linked_to" not in person
        linked = {**person, "user": "x:a", "linked_to": "p:ann"}
        assert await read(path_of("x:a")) == linked
        many = await read("/v1/scores?user=x:b&user=x:a&user=x:c")
        assert (many["scores"][1], many["missing"]) == (linked, ["x:c"])
        around = await read(f"{path_of('x:a')}/neighbours")
        assert (around["user"]["user"], around["below"][0]["user"]) == ("p:ann", "x:b")
        assert (await read(f"{path_of('x:a')}/history"))["days"] == (await read(f"{path_of('p:ann')}/history"))["days"]
        assert "p:ann" in (await read(f"{path_of('x:a')}/explanation"))["lines"][1]
