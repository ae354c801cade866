"""A real Chromium, and a server with people in it, some of whom have chosen hostile names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from deploy.local import ports
from deploy.local.progress import Silent
from deploy.local.redis import RedisServer
from tests.browser.chromium import chromium
from tests.web.process import process, write
from tests.web.serving import DAY_MS, HOSTILE, NOON_MS, score_of

PREFIX = "browsed"
LEADER = "github:leader"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the Chromium on PATH, headless."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real Redis alone: the page needs no Kafka."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), Silent())
    state = server.start(None, lambda _: None)
    yield f"redis://{ports.HOST}:{state.port}/0"
    server.stop(state)


@pytest.fixture(scope="session")
def address(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the server on a leader with 60 days of history and everybody of HOSTILE."""
    days = [
        [score_of(LEADER, day + 1, as_of=NOON_MS + day * DAY_MS, score=20.0 + day / 2, raw=50.0)]
        for day in range(60)
        if day % 7 != 3
    ]
    others = [score_of(user, raw=10.0 + at) for at, user in enumerate(HOSTILE)]
    write(redis_url, PREFIX, *days, others)
    with process(redis_url, PREFIX, tmp_path_factory.mktemp("serve")) as found:
        yield found
