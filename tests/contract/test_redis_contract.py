"""What Redis holds, on a real Redis: fields, newest wins, tombstones, and ids that try to break out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from agents.lookup.reader import Reader
from agents.scoring.entries import Entry, newest
from agents.scoring.meta import clear
from agents.scoring.writer import MovedError, ScoreWriter, Written, connected
from schemas.redis_keys import HISTORY_DAYS, RedisKeys
from schemas.score import Counts, Moment, Parts, Pointer, Score

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
NASTY = [
    "x:😀 \u202e end", "x:a:b:c", "x:{tag}", "x:\"'\\); redis.call('FLUSHALL') --", "x:%s%d*?[]",
    "x:" + "é" * 127, "x: ",
]  # fmt: skip


def _score(user: str, version: int, **changes: Any) -> Score:
    score = Score(
        user=user, score=12.3, target_score=14.25, raw=2.5, relationships=3.0, momentum=0.5, reach=4.0,
        percentile=61.5, provisional=True, parts=Parts(like=1.0, share=1.5, mention=0.0, reply=0.0, relationships=0.0),
        counts_7d=Counts(like=2, share=1), moments=(Moment(1, 2, "like", NOON_MS, 0.5),), as_of=NOON_MS,
        version=version, model="default@00000000",
    )  # fmt: skip
    return msgspec.structs.replace(score, **changes)


def _entries(*scores: Score) -> list[Entry]:
    return newest((score.user, score) for score in scores)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Give a client on the real Redis."""
    client = connected(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def keys(own_prefix: str) -> RedisKeys:
    """Keys that no other test uses."""
    return RedisKeys(own_prefix)


async def _ranks(redis: Redis, board: str) -> list[str]:
    return [each.decode() for each in await redis.zrevrange(board, 0, -1)]


async def test_a_written_score_reads_back_field_by_field(redis: Redis, keys: RedisKeys) -> None:
    """The same fields reach Redis as stand in the topic."""
    score = _score("x:a", 7)
    await ScoreWriter(redis, keys).write(0, _entries(score), None, 1)
    (found,) = await Reader(redis, keys).scores(["x:a"])
    assert found is not None
    told = msgspec.to_builtins(found)
    apart = {"moments", "produced_at_ms", "emitted_at_ms"}
    expected = {name: value for name, value in msgspec.to_builtins(score).items() if name not in apart}
    assert {name: told[name] for name in expected} == expected
    assert await Reader(redis, keys).moments("x:a") == score.moments
    assert (found.change_1d, found.change_7d) == (None, None)


async def test_a_linked_account_is_a_pointer_and_nothing_else(redis: Redis, keys: RedisKeys) -> None:
    """It is on no board, and read as its person, until a tombstone: then a score is its own again."""
    writer, reader = ScoreWriter(redis, keys), Reader(redis, keys)
    await writer.write(0, _entries(_score("x:a", 7), _score("x:b", 8)), None, 1)
    await writer.write(0, newest([("x:a", Pointer("x:a", "x:b"))]), 1, 2)
    assert await redis.hgetall(keys.user("x:a")) == {b"linked_to": b"x:b"}
    assert await _ranks(redis, keys.top()) == await _ranks(redis, keys.top("x")) == ["x:b"]
    assert await redis.exists(keys.history("x:a"), keys.why("x:a")) == 0
    linked, person = await reader.scores(["x:a", "x:b"])
    assert person is not None
    assert linked == msgspec.structs.replace(person, user="x:a", linked_to="x:b") == await reader.score("x:a")
    assert await reader.moments("x:a") == await reader.moments("x:b") != ()
    assert await reader.history("x:a") == await reader.history("x:b") != []
    await writer.write(0, newest([("x:b", None)]), 2, 3)
    assert await reader.scores(["x:a"]) == [None], "a person who is gone has no score to lend"
    await writer.write(0, newest([("x:a", None), ("x:a", _score("x:a", 1))]), 3, 4)
    (own,) = await reader.scores(["x:a"])
    assert own is not None
    assert (own.linked_to, own.version) == (None, 1)


async def test_the_newer_version_wins_in_either_order(redis: Redis, keys: RedisKeys) -> None:
    """A replay, a second agent or a slow one can never move a score back; versions compare as whole numbers."""
    writer = ScoreWriter(redis, keys)
    high = 2**63 - 1
    position = None
    for at, (version, raw, written) in enumerate(
        [(9, 1.0, 1), (10, 2.0, 1), (9, 3.0, 0), (10, 4.0, 0), (high - 1, 5.0, 1), (high, 6.0, 1), (high - 1, 7.0, 0)]
    ):
        found = await writer.write(0, _entries(_score("x:a", version, raw=raw)), position, at)
        assert found == Written(written=written, stale=1 - written)
        position = at
    assert await redis.zscore(keys.top(), "x:a") == 6.0


async def test_leaderboards_order_by_raw_and_by_momentum(redis: Redis, keys: RedisKeys) -> None:
    """Rank by raw, show the limited score; people at rest are on no trend board."""
    scores = [
        _score("x:a", 1, raw=2.0, momentum=4.0),
        _score("y:b", 1, raw=3.0, momentum=0.001),
        _score("x:c", 1, raw=1.0, momentum=3.0),
    ]
    await ScoreWriter(redis, keys).write(0, _entries(*scores), None, 1)
    assert await _ranks(redis, keys.top()) == ["y:b", "x:a", "x:c"]
    assert await _ranks(redis, keys.top("x")) == ["x:a", "x:c"]
    assert await _ranks(redis, keys.top_momentum()) == ["x:a", "x:c"]
    top = await Reader(redis, keys).top(1, "x")
    assert [(each.rank, each.score.user) for each in top] == [(1, "x:a")]


async def test_a_network_called_momentum_cannot_reach_the_trend_board(redis: Redis, keys: RedisKeys) -> None:
    """Its board's key is taken; its users are on the board of all."""
    await ScoreWriter(redis, keys).write(0, _entries(_score("momentum:a", 1, momentum=0.0, raw=9.0)), None, 1)
    assert await _ranks(redis, keys.top_momentum()) == []
    assert await _ranks(redis, keys.top()) == ["momentum:a"]


async def test_a_tombstone_leaves_nothing_of_the_user(redis: Redis, keys: RedisKeys) -> None:
    """Opting out means everywhere."""
    writer = ScoreWriter(redis, keys)
    await writer.write(0, _entries(_score("x:a", 5), _score("x:b", 5)), None, 1)
    assert await writer.write(0, [Entry("x:a", gone=True)], 1, 2) == Written(removed=1)
    left = [key.decode() async for key in redis.scan_iter(match=f"{keys.prefix}:*")]
    assert sorted(left) == sorted(
        [
            keys.meta(),
            keys.top(),
            keys.top("x"),
            keys.top_momentum(),
            *(of("x:b") for of in (keys.user, keys.history, keys.why)),
        ]
    )
    for board in (keys.top(), keys.top("x"), keys.top_momentum()):
        assert await _ranks(redis, board) == ["x:b"]


async def test_a_user_may_come_back_after_a_tombstone_with_a_lower_version(redis: Redis, keys: RedisKeys) -> None:
    """A forgotten user starts anew, and so do her versions."""
    writer = ScoreWriter(redis, keys)
    await writer.write(0, _entries(_score("x:a", 5)), None, 1)
    again = newest([("x:a", None), ("x:a", _score("x:a", 1, raw=8.0))])
    assert await writer.write(0, again, 1, 3) == Written(written=1, removed=1)
    assert await redis.zscore(keys.top(), "x:a") == 8.0


@pytest.mark.parametrize("user", NASTY)
async def test_no_id_reaches_another_key(redis: Redis, keys: RedisKeys, user: str) -> None:
    """Ids are strangers' text: they may name one user's keys and nothing else."""
    before = await redis.dbsize()
    await ScoreWriter(redis, keys).write(0, _entries(_score(user, 1)), None, 1)
    (found,) = await Reader(redis, keys).scores([user])
    assert found is not None
    assert found.user == user
    assert await _ranks(redis, keys.top()) == [user]
    assert await redis.dbsize() == before + 7
    assert await clear(redis, keys) == 7


async def test_changes_are_against_the_last_known_day(redis: Redis, keys: RedisKeys) -> None:
    """A day without a record kept its score: the comparison looks back to the last one."""
    writer = ScoreWriter(redis, keys)
    for version, (day, score) in enumerate([(0, 20.0), (1, 25.0), (5, 30.0), (8, 31.5), (8, 33.0)]):
        record = _score("x:a", version, as_of=NOON_MS + day * DAY_MS, score=score)
        await writer.write(0, _entries(record), version or None, version + 1)
    (found,) = await Reader(redis, keys).scores(["x:a"])
    assert found is not None
    assert (found.change_1d, found.change_7d) == (3.0, 8.0)
    assert [day.score for day in await Reader(redis, keys).history("x:a")] == [20.0, 25.0, 30.0, 33.0]


async def test_history_keeps_ninety_days(redis: Redis, keys: RedisKeys) -> None:
    """A bound on what one user costs."""
    writer = ScoreWriter(redis, keys)
    for day in range(100):
        record = _score("x:a", day, as_of=NOON_MS + day * DAY_MS, score=float(day))
        await writer.write(0, _entries(record), day or None, day + 1)
    days = await Reader(redis, keys).history("x:a")
    assert [day.score for day in days] == [float(day) for day in range(100 - HISTORY_DAYS, 100)]


async def test_who_expects_another_position_writes_nothing(redis: Redis, keys: RedisKeys) -> None:
    """An agent that lost its partition, or a Redis that lost its data, must not go unnoticed."""
    writer = ScoreWriter(redis, keys)
    await writer.write(3, _entries(_score("x:a", 1)), None, 5)
    with pytest.raises(MovedError) as moved:
        await writer.write(3, _entries(_score("x:a", 2, raw=9.0)), 4, 6)
    assert moved.value.position == 5
    await clear(redis, keys)
    with pytest.raises(MovedError) as emptied:
        await writer.write(3, _entries(_score("x:a", 2)), 5, 6)
    assert emptied.value.position is None
    assert await redis.zcard(keys.top()) == 0


async def test_many_users_move_the_position_once_all_are_written(redis: Redis, keys: RedisKeys) -> None:
    """A crash between two calls must lead to reading again, never to skipping."""
    writer = ScoreWriter(redis, keys)
    scores = [_score(f"x:{number}", 1) for number in range(450)]
    assert await writer.write(0, _entries(*scores), None, 450) == Written(written=450)
    assert await writer.positions([0, 1]) == {0: 450, 1: None}
    assert await redis.zcard(keys.top()) == 450


class _DyingWriter(ScoreWriter):
    """Dies before its second call, as a killed agent does."""

    calls = 0

    async def _evaluated(self, keys: list[str], arguments: list[str | bytes]) -> list[Any]:
        self.calls += 1
        if self.calls == 2:
            raise RuntimeError("killed")
        return await super()._evaluated(keys, arguments)


@pytest.mark.parametrize("before", [None, 7])
async def test_a_crash_between_two_calls_leaves_the_position(redis: Redis, keys: RedisKeys, before: int | None) -> None:
    """What was not written yet must be read again."""
    writer = ScoreWriter(redis, keys)
    if before is not None:
        await writer.write(0, [], None, before)
    entries = _entries(*[_score(f"x:{number}", 1) for number in range(250)])
    with pytest.raises(RuntimeError, match="killed"):
        await _DyingWriter(redis, keys).write(0, entries, before, 250)
    assert await writer.positions([0]) == {0: before}
    assert await writer.write(0, entries, before, 250) == Written(written=50, stale=200)


async def test_a_call_that_breaks_off_half_way_is_made_up_for(redis: Redis, keys: RedisKeys) -> None:
    """A user whose version is there already is left out by the next attempt: she would miss a leaderboard for ever."""
    writer, entries = ScoreWriter(redis, keys), _entries(_score("x:a", 1), _score("y:b", 1))
    await redis.set(keys.top("y"), "in the way")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await writer.write(0, entries, None, 1)
    await redis.delete(keys.top("y"))
    assert await writer.write(0, entries, None, 1) == Written(written=2)
    assert await _ranks(redis, keys.top("y")) == ["y:b"]


async def test_a_restarted_redis_gets_the_script_again(redis: Redis, keys: RedisKeys) -> None:
    """Scripts live in Redis' memory: after a restart the first call finds none."""
    writer = ScoreWriter(redis, keys)
    await writer.write(0, _entries(_score("x:a", 1)), None, 1)
    await redis.script_flush()
    assert await writer.write(0, _entries(_score("x:a", 2)), 1, 2) == Written(written=1)


async def test_clearing_spares_other_prefixes(redis: Redis, own_prefix: str) -> None:
    """A prefix may hold what Redis takes for a pattern."""
    inner, outer = RedisKeys(f"{own_prefix}*"), RedisKeys(f"{own_prefix}z")
    for keys in (inner, outer):
        await ScoreWriter(redis, keys).write(0, _entries(_score("x:a", 1)), None, 1)
    await clear(redis, inner)
    assert await redis.exists(inner.user("x:a")) == 0
    assert await redis.exists(outer.user("x:a")) == 1
