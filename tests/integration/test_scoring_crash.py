"""Wherever the scoring agent dies, the next one leaves in Redis exactly what the topic says last."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from redis import Redis

from agents.rig.pipeline import Pipeline, prepared
from deploy.local.state import StackState
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Parts, Score, encode_score
from streams.engine.crashpoints import EXIT_CODE, SCORING
from tests.integration.engine.workers import until

pytestmark = pytest.mark.integration
PARTITIONS = 2
USERS = 900
"""More than two calls of a partition in one poll."""
READY = "scoring: ready"
AS_OF = 1_790_000_000_000


def _score(user: str, version: int) -> bytes:
    raw = float(version)
    return encode_score(
        Score(
            user=user, score=12.0 + version, target_score=12.0, raw=raw, relationships=1.0, momentum=1.0, reach=1.0,
            percentile=50.0, provisional=False,
            parts=Parts(like=raw, share=0.0, mention=0.0, reply=0.0, relationships=0.0),
            counts_7d=Counts(like=version), moments=(), as_of=AS_OF, version=version, model="default@00000000",
        )
    )  # fmt: skip


def _send(running: Pipeline, version: int) -> dict[str, int]:
    """Send a version of everybody, an older one after each second, a tombstone of every fifth; return the rest."""
    producer = Producer({"bootstrap.servers": running.settings.bootstrap})
    topic, left = running.settings.topics.scores.name, {}
    for number in range(USERS):
        user = f"x:{number}"
        values = [_score(user, version), *([_score(user, version - 1)] if number % 2 else [])]
        if number % 5 == 0:
            values.append(b"")
        else:
            left[user] = version
        for value in values:
            producer.produce(topic, value or None, user.encode())
    assert producer.flush(20) == 0
    return left


@contextmanager
def _agent(running: Pipeline) -> Iterator[None]:
    """Run an agent from its readiness to a clean end."""
    before = running.log("scoring").count(READY) if "scoring" in running.processes else 0
    running.start("scoring")
    until(lambda: running.log("scoring").count(READY) > before)
    yield
    assert running.kill("scoring", signal.SIGTERM) == 0


def _is_settled(running: Pipeline) -> bool:
    """Whether Kafka is told of every partition's end."""
    topic = running.settings.topics.scores.name
    consumer = Consumer(
        {"bootstrap.servers": running.settings.bootstrap, "group.id": running.settings.topics.scoring_group}
    )
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    ends = [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
    found = [place.offset for place in consumer.committed(places, timeout=10)]
    consumer.close()
    return found == ends


def _assert_exact(running: Pipeline, left: dict[str, int]) -> None:
    keys, redis = RedisKeys(running.settings.redis_prefix), Redis.from_url(running.settings.redis_url)
    try:
        assert dict(redis.zrange(keys.top(), 0, -1, withscores=True)) == {u.encode(): v for u, v in left.items()}
        assert dict(redis.zrange(keys.top("x"), 0, -1, withscores=True)) == {u.encode(): v for u, v in left.items()}
        calls = redis.pipeline()
        for user in left:
            calls.hmget(keys.user(user), "version", "score", "before_1d").hgetall(keys.history(user))
        found = calls.execute()
        for user, fields, history in zip(left, found[::2], found[1::2], strict=True):
            score = b"%d.0" % (12 + left[user])
            assert fields == [b"%d" % left[user], score, b""], user
            assert list(history.values()) == [score], user
        stored = {key.decode().removeprefix(keys.user("")) for key in redis.scan_iter(keys.user("*"), 1000)}
        assert stored == set(left)
    finally:
        redis.close()


@pytest.mark.parametrize("point", SCORING)
def test_death_at_a_named_point_leaves_redis_exact(
    stack: StackState, own_prefix: str, tmp_path: Path, point: str
) -> None:
    """Position and scores change in one step, so there is no moment at which a death could part them."""
    settings = {"partitions": str(PARTITIONS), "session_timeout_s": "1"}
    running = prepared(stack.bootstrap_servers, stack.redis_url, tmp_path, f"{own_prefix}-{point}", settings)
    try:
        if point not in {"scoring_started", "scoring_part"}:
            left = _send(running, 1)
            with _agent(running):
                until(lambda: _is_settled(running), pause_s=0.2)
            _assert_exact(running, left)
        left = _send(running, 2)
        running.start("scoring", also={"RENOWN_CRASH_POINT": point})
        assert running.ended("scoring") == EXIT_CODE, running.log("scoring")
        with _agent(running):
            until(lambda: _is_settled(running), pause_s=0.2)
        _assert_exact(running, left)
    finally:
        running.stop()
