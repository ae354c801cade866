"""A score API on the real Redis, with scores in it that the scoring agent's own writer wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import ClientResponse, ClientSession, ClientTimeout, TCPConnector, web
from redis.asyncio import Redis

from agents.access.changes import add
from agents.access.gate import Gate, KeyGate, OpenGate
from agents.access.key import Purpose
from agents.access.key_file import changing
from agents.access.ring import KeyRing
from agents.http.serving import runner_of
from agents.lookup.reader import connected
from agents.scoring.entries import newest
from agents.scoring.writer import ScoreWriter
from agents.web.application import build
from agents.web.service import api_of
from deploy.local import ports
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Moment, Parts, Score
from streams.settings import Settings

LIMIT_S = 10.0
DAY_MS = 86_400_000
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
HOSTILE = (
    "x:a/b?c=d#e", "x:😀 \u202e end", "x:%2F%00", "x:a:b:c", "x:..", "x:<img src=x onerror=alert(1)>", "x:+ &=;,",
    "x:\"'\\); redis.call('FLUSHALL') --", "x:" + "é" * 127, "x:*?[a-z]{tag}", "x: ", "x:\u2066\u200d",
)  # fmt: skip


def score_of(user: str, version: int = 1, **changes: Any) -> Score:
    """Return a score whose numbers fit each other."""
    score = Score(
        user=user, score=12.3, target_score=27.0, raw=2.5, relationships=3.0, momentum=0.5, reach=4.0,
        percentile=73.717, provisional=True,
        parts=Parts(like=1.0, share=1.0, mention=0.0, reply=0.25, relationships=0.25),
        counts_7d=Counts(like=2, share=1), moments=(Moment(1, 2, "like", NOON_MS, 0.5),), as_of=NOON_MS,
        version=version, model="default@00000000",
    )  # fmt: skip
    return msgspec.structs.replace(score, **changes)


def path_of(user: str, rest: str = "") -> str:
    """Return the path of a user as programs send it."""
    return f"/v1/scores/{quote(user, safe='')}{rest}"


async def event(answer: ClientResponse) -> tuple[str, str, Any]:
    """Return id, name and document of the next event."""
    async with asyncio.timeout(LIMIT_S):
        text = (await answer.content.readuntil(b"\n\n")).decode()
    fields = dict(line.split(": ", 1) for line in text.rstrip("\n").split("\n"))
    return fields["id"], fields["event"], json.loads(fields["data"])


class Store:
    """Scores under a prefix of their own, written as the agent writes them."""

    def __init__(self, url: str, prefix: str, position: int | None = None) -> None:
        self.redis: Redis = connected(url)
        self.keys = RedisKeys(prefix)
        self._position = position

    async def write(self, *scores: Score) -> None:
        """Write the scores."""
        after = (self._position or 0) + 1
        entries = newest((score.user, score) for score in scores)
        await ScoreWriter(self.redis, self.keys).write(0, entries, self._position, after)
        self._position = after

    async def forget(self, users: Sequence[str]) -> None:
        """Write tombstones."""
        after = (self._position or 0) + 1
        await ScoreWriter(self.redis, self.keys).write(0, newest((u, None) for u in users), self._position, after)
        self._position = after


@asynccontextmanager
async def serving(
    url: str, redis_prefix: str, gate: Gate | None = None, **settings: Any
) -> AsyncIterator[ClientSession]:
    """Give a client of the API as `renown serve` runs it; without a `bootstrap` Kafka is away."""
    away = {"bootstrap": f"{ports.HOST}:{ports.pick()}"}
    all_ = Settings(redis_url=url, redis_prefix=redis_prefix, **{**away, **settings})
    redis = connected(url)
    runner = runner_of(build(api_of(all_, gate or OpenGate(), redis)), all_.request_limit_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        limit = ClientTimeout(total=20)
        connector = TCPConnector(force_close=True)
        async with ClientSession(
            f"http://{host}:{port}", connector=connector, requote_redirect_url=False, timeout=limit
        ) as session:
            yield session
    finally:
        await runner.cleanup()
        await redis.aclose()


class Keys:
    """A file of keys and a gate on it, with clocks that stand still until they are moved."""

    def __init__(self, folder: Path, rate: float) -> None:
        self.path = path = folder / "keys.json"
        self.now_s = 1_000.0
        self.texts: dict[str, str] = {}
        for name, purpose in (
            ("app", Purpose.READ),
            ("blog", Purpose.INGEST),
            ("prom", Purpose.METRICS),
            ("desk", Purpose.STEWARD),
        ):
            with changing(path) as found:
                _, self.texts[name] = add(found, name, purpose, now_s=self.now_s)
        self.gate = KeyGate(KeyRing(path, lambda: self.now_s), rate, 1.0, lambda: self.now_s)

    def header(self, name: str) -> dict[str, str]:
        """Return the header that shows the key of `name`."""
        return {"Authorization": f"Bearer {self.texts[name]}"}
