"""Accounts of one person on a real pipeline: joined once, though a worker dies on the way, and gone together."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from deploy.local.state import StackState
from schemas.kinds import KINDS
from schemas.redis_keys import RedisKeys
from streams.engine.crashpoints import EXIT_CODE
from tests.events import counted, engagements
from tests.integration.pipeline import RENOWN, Pipeline, pipeline
from tests.integration.searching import places_of, send

pytestmark = pytest.mark.integration
EVENTS = engagements(3_000, 200, seed=23)
ANSWER = counted(EVENTS)
PERSON, FIRST, SECOND = [user for user, line in sorted(ANSWER.items()) if line["received"]][:3]
BOTH = (FIRST, SECOND)


@pytest.fixture(scope="module")
def running(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Give a pipeline of two workers in which all events are scored."""
    folder = tmp_path_factory.mktemp("links")
    settings = {"session_timeout_s": "6", "commit_interval_s": "0.3"}
    with pipeline(stack, folder, "links", workers=2, profile="burst", **settings) as made:
        send(made, EVENTS)
        yield made


def received(running: Pipeline) -> dict[str, int]:
    """Return how many engagements each has received, by the tables."""
    return {user: sum(line["received"].values()) for user, line in running.counts().items()}  # type: ignore[attr-defined]


def stored(running: Pipeline, user: str) -> dict[bytes, bytes]:
    """Return what Redis holds of the user."""
    redis: Any = Redis.from_url(running.settings.redis_url)
    found: dict[bytes, bytes] = redis.hgetall(RedisKeys(running.settings.redis_prefix).user(user))
    return found


def acts(name: str, *targets: str) -> list[dict[str, Any]]:
    """Return one engagement of each kind towards each target by somebody who has not met them."""
    each = [(target, kind) for target in targets for kind in KINDS]
    return [
        {**EVENTS[0], "id": f"{name}-{target}-{kind}", "actor": f"test:{name}", "target": target, "kind": kind}
        for target, kind in each
    ]


def link(running: Pipeline, account: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen((*RENOWN, "link", account, PERSON), env=running.env)


def test_accounts_are_joined_once_and_go_with_the_person(running: Pipeline) -> None:
    """A worker dies when what an account has received is on its way; nothing is lost, doubled, or left in the end."""
    before = max(float(stored(running, user)[b"raw"]) for user in (PERSON, *BOTH))
    assert link(running, FIRST).wait(60) == 0
    running.kill("worker-0")
    running.start("worker-0", also={"RENOWN_CRASH_POINT": "link_sent"})
    running.wait_ready("worker-0")
    linking = link(running, SECOND)
    assert running.ended("worker-0") == EXIT_CODE
    running.start("worker-0")
    assert linking.wait(60) == 0
    own = {**EVENTS[0], "id": "own", "actor": FIRST, "target": SECOND}
    send(running, [*acts("fan", *BOTH), own])
    joined = sum(sum(ANSWER[user]["received"].values()) for user in (PERSON, *BOTH)) + 2 * len(KINDS)
    now = received(running)
    assert (now[PERSON], now[FIRST], now[SECOND]) == (joined, 0, 0)
    assert {user: stored(running, user) for user in BOTH} == {user: {b"linked_to": PERSON.encode()} for user in BOTH}
    assert float(stored(running, PERSON)[b"raw"]) >= before
    found = json.loads(running.renown("score", FIRST, "--json"))
    assert (found["user"], found["linked_to"], found["score"]) == (
        FIRST,
        PERSON,
        float(stored(running, PERSON)[b"score"]),
    )
    running.renown("unlink", SECOND)
    send(running, acts("anew", SECOND))
    now = received(running)
    assert (now[PERSON], now[SECOND]) == (joined, len(KINDS))
    assert b"score" in stored(running, SECOND)
    assert len(places_of(running, FIRST)) >= 3, "the search must find what is there"
    running.renown("forget", PERSON)
    assert places_of(running, PERSON) | places_of(running, FIRST) == set()
