"""The scoring agent between a real Kafka and a real Redis, through outages and losses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agents.lookup.reader import Reader
from agents.scoring.agent import ForeignScoresError
from agents.scoring.meta import clear
from agents.scoring.metrics import ScoringMetrics
from agents.scoring.service import OtherLogError, run
from agents.scoring.writer import connected
from agents.topics import apply
from deploy.local import ports
from deploy.local.redis import find
from deploy.local.state import StackState
from schemas.errors import BadSettingError
from schemas.redis_keys import RedisKeys
from schemas.score import CONTRACT_VERSION, Counts, Parts, Score, encode_score
from streams.clock import wall_ms
from streams.settings import Settings

pytestmark = pytest.mark.integration
USERS = 300
LIMIT_S = 30.0
Send = Callable[[list[tuple[str, Score | None]]], Awaitable[None]]


def _score(user: str, version: int, raw: float = 1.0) -> Score:
    return Score(
        user=user, score=12.0, target_score=12.0, raw=raw, relationships=1.0, momentum=1.0, reach=1.0, percentile=50.0,
        provisional=False, parts=Parts(like=raw, share=0.0, mention=0.0, reply=0.0, relationships=0.0),
        counts_7d=Counts(like=1), moments=(), as_of=1_790_000_000_000, version=version, model="default@00000000",
        produced_at_ms=wall_ms(),
    )  # fmt: skip


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await condition():  # noqa: ASYNC110 - the outside world tells nobody
            await asyncio.sleep(0.05)


@pytest.fixture
async def settings(stack: StackState, own_prefix: str) -> Settings:
    """Give a deployment of its own on the shared stack, its topics made."""
    own = Settings(
        bootstrap=stack.bootstrap_servers,
        redis_url=stack.redis_url,
        prefix=own_prefix,
        redis_prefix=own_prefix,
        partitions=4,
        session_timeout_s=6.0,
    )
    await apply(own)
    return own


@pytest.fixture
async def send(settings: Settings) -> AsyncIterator[Send]:
    """Give a function that writes to the scores topic."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, enable_idempotence=True)
    await producer.start()

    async def sending(records: list[tuple[str, Score | None]]) -> None:
        topic = settings.topics.scores.name
        for user, score in records:
            await producer.send(topic, encode_score(score) if score else None, user.encode())
        await producer.flush()

    yield sending
    await producer.stop()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """Give a client on the shared Redis."""
    client = connected(settings.redis_url)
    yield client
    await client.aclose()


@contextlib.asynccontextmanager
async def _agent(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    stop, ready = asyncio.Event(), asyncio.Event()
    metrics = ScoringMetrics(CollectorRegistry())
    task = asyncio.ensure_future(run(settings, wall_ms, metrics, stop, ready.set))
    waiting = asyncio.ensure_future(ready.wait())
    await asyncio.wait({task, waiting}, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield task
    finally:
        stop.set()
        await task


async def test_scores_become_readable_and_tombstones_remove(settings: Settings, send: Send, redis: Redis) -> None:
    """The whole way of a score and of its end; Kafka is told how far Redis is, for whoever waits for it."""
    keys = RedisKeys(settings.redis_prefix)
    await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(USERS)])
    async with _agent(settings):
        await _until(lambda: _count_is(redis, keys, USERS))
        await send([("x:0", None), ("x:1", _score("x:1", 2, raw=9.0)), ("x:2", _score("x:2", 0, raw=7.0))])
        await _until(lambda: _count_is(redis, keys, USERS - 1))
        await _until(lambda: _is_raw(redis, keys, "x:1", 9.0))
        await _until(lambda: _is_committed(settings))
    assert await _is_raw(redis, keys, "x:2", 1.0)
    meta = {name.decode(): value.decode() for name, value in (await redis.hgetall(keys.meta())).items()}
    assert meta["model"] == "default@00000000"
    assert int(meta["latency_p50_ms"]) <= int(meta["latency_p99_ms"])


async def test_an_emptied_redis_fills_again_by_itself(settings: Settings, send: Send, redis: Redis) -> None:
    """Scores are a view of the topic: losing Redis costs a re-read, not an operator, even when nothing new comes."""
    keys = RedisKeys(settings.redis_prefix)
    await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(USERS)])
    async with _agent(settings):
        await _until(lambda: _count_is(redis, keys, USERS))
        await clear(redis, keys)
        await _until(lambda: _count_is(redis, keys, USERS))


async def test_a_redis_emptied_while_the_agent_was_away_fills_again(
    settings: Settings, send: Send, redis: Redis
) -> None:
    """Offsets committed to Kafka must not hide that Redis holds nothing."""
    keys = RedisKeys(settings.redis_prefix)
    await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(USERS)])
    async with _agent(settings):
        await _until(lambda: _is_committed(settings))
    await clear(redis, keys)
    async with _agent(settings):
        await _until(lambda: _count_is(redis, keys, USERS))


@contextlib.contextmanager
def _own_redis(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    argv = [str(find().path), "--port", str(port), "--bind", ports.HOST, "--dir", str(folder), "--save", ""]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*argv, "--appendonly", "no"], stdout=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_an_outage_of_redis_loses_nothing(settings: Settings, send: Send, tmp_path: Path) -> None:
    """Killed without a copy of its data and started empty: what came before and meanwhile is all there."""
    port = ports.pick()
    own = replace(settings, redis_url=f"redis://{ports.HOST}:{port}/0")
    keys, client = RedisKeys(own.redis_prefix), connected(own.redis_url)
    await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(USERS)])
    try:
        with _own_redis(port, tmp_path) as first:
            async with _agent(own):
                await _until(lambda: _count_is(client, keys, USERS))
                os.kill(first.pid, signal.SIGKILL)
                first.wait()
                await send([(f"y:{number}", _score(f"y:{number}", 1)) for number in range(USERS)])
                await asyncio.sleep(0.5)
                with _own_redis(port, tmp_path):
                    await _until(lambda: _count_is(client, keys, 2 * USERS))
    finally:
        await client.aclose()


async def test_an_agent_stops_during_an_outage(settings: Settings) -> None:
    """SIGTERM must work when nothing else does."""
    dead = replace(settings, redis_url=f"redis://{ports.HOST}:{ports.pick()}/0")
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(dead, wall_ms, ScoringMetrics(CollectorRegistry()), stop, lambda: None))
    await asyncio.sleep(1.0)
    assert not running.done()
    stop.set()
    async with asyncio.timeout(LIMIT_S):
        await running


async def test_two_agents_share_the_work_and_leave_one_truth(settings: Settings, send: Send, redis: Redis) -> None:
    """Partitions change hands while scores flow; neither agent may undo the other's writes."""
    keys = RedisKeys(settings.redis_prefix)
    async with _agent(settings):
        await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(USERS)])
        async with _agent(settings):
            await send([(f"x:{number}", _score(f"x:{number}", 2, raw=2.0)) for number in range(USERS)])
            await _until(lambda: _all_raw(redis, keys, 2.0))
        await send([(f"x:{number}", _score(f"x:{number}", 3, raw=3.0)) for number in range(USERS)])
        await _until(lambda: _all_raw(redis, keys, 3.0))


async def test_scores_of_another_log_are_not_mixed_in(settings: Settings, send: Send, redis: Redis) -> None:
    """Versions of two pipelines cannot be compared: the agent stops and names the remedy."""
    keys = RedisKeys(settings.redis_prefix)
    await redis.hset(keys.meta(), "log", "elsewhere/scores")
    stop, metrics = asyncio.Event(), ScoringMetrics(CollectorRegistry())
    with pytest.raises(OtherLogError, match="--rebuild"):
        await run(settings, wall_ms, metrics, stop, lambda: None)
    await redis.hdel(keys.meta(), "log")
    await redis.hset(keys.meta(), "applied:0", "1000000")
    with pytest.raises(ForeignScoresError, match="--rebuild"):
        await run(settings, wall_ms, metrics, stop, lambda: None)
    await send([("x:a", _score("x:a", 1))])
    rebuilding = asyncio.ensure_future(run(settings, wall_ms, metrics, stop, lambda: None, rebuild=True))
    await _until(lambda: _count_is(redis, keys, 1))
    stop.set()
    await rebuilding


async def test_a_redis_that_a_newer_release_fills_is_left_alone(settings: Settings, redis: Redis) -> None:
    """After a downgrade, fields that this release does not know would stay behind and grow stale."""
    keys = RedisKeys(settings.redis_prefix)
    await redis.hset(keys.meta(), "contract_version", str(CONTRACT_VERSION + 1))
    stop, metrics = asyncio.Event(), ScoringMetrics(CollectorRegistry())
    refused = "was written by a newer release: contract version 2, this release reads up to 1"
    with pytest.raises(BadSettingError, match=refused):
        async with asyncio.timeout(LIMIT_S):
            await run(settings, wall_ms, metrics, stop, lambda: None)
    assert await redis.hgetall(keys.meta()) == {b"contract_version": b"2"}


async def test_junk_in_the_topic_is_stepped_over(settings: Settings, send: Send, redis: Redis) -> None:
    """One damaged record must not stop everybody's scores."""
    keys, topic = RedisKeys(settings.redis_prefix), settings.topics.scores.name
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    for key, value in ((b"x:a", b"{torn"), (b"\xff", b"{}"), (b"no network", None)):
        await producer.send_and_wait(topic, value, key)
    await producer.stop()
    await send([(f"x:{number}", _score(f"x:{number}", 1)) for number in range(10)])
    async with _agent(settings):
        await _until(lambda: _count_is(redis, keys, 10))
        await _until(lambda: _is_committed(settings))
    assert await Reader(redis, keys).scores(["x:a"]) == [None]


async def _count_is(redis: Redis, keys: RedisKeys, count: int) -> bool:
    try:
        return bool(await redis.zcard(keys.top()) == count)
    except (OSError, RedisError):
        return False


async def _is_raw(redis: Redis, keys: RedisKeys, user: str, raw: float) -> bool:
    return bool(await redis.zscore(keys.top(), user) == raw)


async def _all_raw(redis: Redis, keys: RedisKeys, raw: float) -> bool:
    return bool(await redis.zcount(keys.top(), raw, raw) == USERS)


async def _is_committed(settings: Settings) -> bool:
    """Whether the group has committed every partition up to its end."""
    places = [TopicPartition(settings.topics.scores.name, number) for number in range(settings.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id=settings.topics.scoring_group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        return all([(await consumer.committed(place) or 0) == end for place, end in ends.items()])
    finally:
        await consumer.stop()
