"""A Redis of its own, filled by the project's own writer: what the examples read, and what they must print."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from agents.rights.redis_acls import password_hash, rules
from agents.scoring.entries import newest
from agents.scoring.latency import Latency
from agents.scoring.meta import Meta
from agents.scoring.writer import ScoreWriter, connected
from deploy.local.ports import HOST
from deploy.local.progress import Silent
from deploy.local.redis import RedisServer
from deploy.local.state import RedisState
from schemas.access import Role
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Moment, Parts, Score

KEYS: Final = RedisKeys()
KNOWN: Final = "github:torvalds"
STRANGE: Final = "x:Zo\u00e9 \U0001f600 \"$(id)' `%s` \\n * "
LEFT: Final = "github:left"
PRINTED: Final = {
    KNOWN: f"""\
score 61.5
top 1 github:rust-lang 88.0
top 2 {STRANGE} 12.3
top 3 github:torvalds 61.5
day 2026-01-01 60.2
day 2026-01-02 60.9
day 2026-01-04 61.5
""",
    STRANGE: f"""\
score 12.3
top 1 github:rust-lang 88.0
top 2 {STRANGE} 12.3
top 3 github:torvalds 61.5
day 2026-01-04 12.3
""",
    LEFT: f"""\
score none
top 1 github:rust-lang 88.0
top 2 {STRANGE} 12.3
top 3 github:torvalds 61.5
""",
}
"""What each example prints for a user: ranks follow the mass, and who left is nowhere."""
_DAY_MS: Final = 86_400_000
_NEW_YEAR_MS: Final = 1_767_225_600_000
_PASSWORD: Final = "read"  # noqa: S105 -- of a Redis on loopback that lives for seconds
_READERS: Final = {"reader": KEYS.prefix, "stranger": "other"}


class Filled(NamedTuple):
    """Three ways in: all rights, those of a reader as `renown access redis` makes it, a reader's of another prefix."""

    url: str
    reader_url: str
    stranger_url: str


@contextmanager
def filled_redis(folder: Path) -> Iterator[Filled]:
    """Give a running Redis with scores, histories, boards, moments and meta, and somebody who left."""
    server, states = RedisServer(folder, Silent()), list[RedisState]()
    state = server.start(None, states.append)
    try:
        place = f"{HOST}:{state.port}/0"
        asyncio.run(_fill(f"redis://{place}"))
        logins = (f"redis://{user}:{_PASSWORD}@{place}" for user in _READERS)
        yield Filled(f"redis://{place}", *logins)
    finally:
        server.stop(state)


async def _fill(url: str) -> None:
    async with connected(url) as redis:
        writer = ScoreWriter(redis, KEYS)
        polls = [*([(score.user, score)] for score in _scores()), [(LEFT, None)]]
        for position, records in enumerate(polls, 1):
            await writer.write(0, newest(records), position - 1 or None, position)
        meta, latency = Meta(redis, KEYS, started_at_ms=_NEW_YEAR_MS, log_id="Lk3"), Latency()
        latency.add([300, 900])
        meta.seen(_scores()[0])
        await meta.write(latency)
        for user, prefix in _READERS.items():
            await redis.execute_command("ACL", "SETUSER", user, *rules(Role.READER, prefix, password_hash(_PASSWORD)))


def _scores() -> list[Score]:
    days = [(0, 60.2), (1, 60.9), (3, 61.5)]
    return [
        *(_score(KNOWN, raw=9.0, score=score, day=day) for day, score in days),
        _score("github:rust-lang", raw=1e16, score=88.0),
        _score(STRANGE, raw=1e16 / 2, score=12.3),
        _score("github:quiet", raw=1e-7, score=1.0),
        _score(LEFT, raw=1e17, score=100.0),
    ]


def _score(user: str, *, raw: float, score: float, day: int = 3) -> Score:
    return Score(
        user=user, score=score, target_score=score + 1, raw=raw, relationships=3.0, momentum=0.5, reach=4.0,
        percentile=61.5, provisional=True, parts=Parts(like=raw, share=0.0, mention=0.0, reply=0.0, relationships=0.0),
        counts_7d=Counts(like=2, share=1), moments=(Moment(1, 2, "like", _NEW_YEAR_MS, 0.5),),
        as_of=_NEW_YEAR_MS + day * _DAY_MS, version=day + 1, model="default@00000000",
    )  # fmt: skip
