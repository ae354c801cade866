"""Ids are anybody's text: none may reach another's keys, or the terminal of who looks scores up.

The keys are looked at in a real Redis: in a database of its own, where every key there is can be seen.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from redis.asyncio import Redis

from agents.cli.main import cli
from agents.lookup.reader import Reader
from agents.scoring.entries import Entry, newest
from agents.scoring.writer import ScoreWriter, connected
from schemas.identifiers import network_of
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Moment, Parts, Score
from tests.hostile import PIECES, accepted, crowds

OWN_DATABASE = 9
NOON_MS = 20_000 * 86_400_000 + 43_200_000
KEYS = RedisKeys()


def _score(user: str, raw: float, version: int = 1) -> Score:
    return Score(
        user=user, score=12.3, target_score=14.25, raw=raw, relationships=3.0, momentum=raw, reach=4.0, percentile=61.5,
        provisional=False, parts=Parts(1.0, 1.5, 0.0, 0.0, 0.0), counts_7d=Counts(2, 1), version=version,
        moments=(Moment(1, 2, "like", NOON_MS, raw),), as_of=NOON_MS, model="default@00000000",
    )  # fmt: skip


class OwnRedis:
    """An emptied database of the real Redis with strangers' keys in it, and calls into it from plain tests."""

    def __init__(self, url: str) -> None:
        self.url = re.sub(r"/\d+$", "", url) + f"/{OWN_DATABASE}"
        self._loop = asyncio.Runner()
        self.client: Redis = self.run(self._connected())

    async def _connected(self) -> Redis:
        return connected(self.url)

    def run(self, call: Any) -> Any:
        """Return what the coroutine returns."""
        return self._loop.run(call)

    def emptied(self, strangers: list[str]) -> dict[bytes, bytes]:
        """Empty the database, plant a key under each of the names, return all that is there."""
        self.run(self.client.flushdb())
        for name in strangers:
            self.run(self.client.set(b"stranger:" + name.encode("utf-8", "surrogatepass"), b"theirs"))
        return self.content()

    def content(self) -> dict[bytes, bytes]:
        """Return every key and its dump."""
        return self.run(self._content())

    async def _content(self) -> dict[bytes, bytes]:
        return {key: await self.client.dump(key) async for key in self.client.scan_iter(count=1_000)}

    def close(self) -> None:
        """Leave the database empty."""
        self.run(self.client.flushdb())
        self.run(self.client.aclose())
        self._loop.close()


@pytest.fixture(scope="module")
def own(redis_url: str) -> Iterator[OwnRedis]:
    """Give a database of the real Redis that no other test uses."""
    found = OwnRedis(redis_url)
    yield found
    found.close()


def keys_that_are_theirs(users: list[str]) -> set[bytes]:
    """Return the keys that the contract names for exactly these users."""
    apart = [key for user in users for key in (KEYS.user(user), KEYS.history(user), KEYS.why(user))]
    boards = {KEYS.top(network_of(user)) for user in users}
    shared = {KEYS.meta(), KEYS.top(), KEYS.top_momentum()}
    every = {*apart, *boards, *shared}
    assert len(every) == len(apart) + len(boards) + len(shared), "two ids, or an id and a board, share a key"
    return {key.encode() for key in every}


@pytest.mark.integration
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowd=crowds)
@example(crowd=["top:x", "x:a", "x:top", "u:x:a", "meta:x", "top:momentum", "x:u:x:a"])
@example(crowd=[f"x:{piece}" for piece in PIECES])
@example(crowd=["x:e\u0301", "x:é"])
@example(
    crowd=[
        "x:a",
        "x:A",
        "x:a ",
        "x: a",
        "x:fi",
        "x:\ufb01",
        "x:ß",
        "x:ss",
        "x:İ",
        "x:i",
        "x:\u0430",
        "x:a:",
        "x::a",
        "x:%61",
    ]
)
def test_an_id_touches_its_own_keys_and_nothing_else(own: OwnRedis, crowd: list[str]) -> None:
    """Every key in Redis after writing, reading and forgetting is one that the contract names for these very ids."""
    users = accepted(crowd)
    strangers = own.emptied(crowd)
    writer, reader = ScoreWriter(own.client, KEYS), Reader(own.client, KEYS)
    raws = {user: 1.0 + at for at, user in enumerate(users)}
    own.run(writer.write(0, newest((user, _score(user, raw)) for user, raw in raws.items()), None, 1))
    written = own.content()
    assert {key: written.pop(key) for key in strangers} == strangers
    assert set(written) == (keys_that_are_theirs(users) if users else {KEYS.meta().encode()})

    assert [(each.user, each.raw) for each in own.run(reader.scores(users))] == list(raws.items())
    assert [own.run(reader.moments(user))[0].mass for user in users] == list(raws.values())
    for board in {None, *map(network_of, users)}:
        ranked = own.run(reader.top(100, board))
        expected = sorted(
            (user for user in users if board in {None, network_of(user)}), key=raws.__getitem__, reverse=True
        )
        assert [(each.score.user, each.score.raw) for each in ranked] == [(user, raws[user]) for user in expected]

    own.run(writer.write(0, [Entry(user, gone=True) for user in users], 1, 2))
    left = own.content()
    assert {key: left.pop(key) for key in strangers} == strangers
    assert set(left) == {KEYS.meta().encode()}


@pytest.mark.integration
def test_no_id_moves_the_cursor_of_who_looks_scores_up(own: OwnRedis) -> None:
    """Tables show an escape; --json gives the very id."""
    users = accepted([f"x:{piece}" for piece in PIECES])
    own.emptied([])
    own.run(ScoreWriter(own.client, KEYS).write(0, newest((user, _score(user, 1.0)) for user in users), None, 1))
    env = {"RENOWN_REDIS_URL": own.url, "RENOWN_BOOTSTRAP": "127.0.0.1:1", "RENOWN_DATA": "/nowhere/at/all"}
    for arguments in (["top", "-n", "100"], ["score", *users], ["explain", "x:\u202e"], ["history", "x:\u202e"]):
        done = CliRunner().invoke(cli, arguments, env=env)
        assert done.exit_code == 0, done.output
        assert all(line.isprintable() for line in done.output.split("\n")), arguments
    found = CliRunner().invoke(cli, ["score", *users, "--json"], env=env)
    assert [json.loads(line)["user"] for line in found.stdout.splitlines()] == users
    unknown = CliRunner().invoke(cli, ["score", "x:\u202enobody"], env=env)
    assert unknown.exit_code == 1
    assert unknown.output.strip().isprintable()
