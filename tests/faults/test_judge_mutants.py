"""The judge on a real deployment: exact as it stands, and every single thing that is then made wrong is noticed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from redis import Redis

from agents.faults.judge import Deployment, Verdict, judge
from agents.faults.judge.home import home_of
from agents.faults.judge.log import records
from deploy.local.state import StackState
from schemas.rows import USER
from tests.events import engagements, write
from tests.integration.pipeline import Pipeline, pipeline
from tests.integration.test_pipeline_bad_input import BAD, GOOD

pytestmark = pytest.mark.integration
PREFIX = "judged"
EVENTS = engagements(3_000, 300, seed=11)
STAR, OTHER = "test:user1", "test:user2"


@dataclass
class Scene:
    """A drained deployment whose workers have stopped, and clients to make things wrong in it."""

    running: Pipeline
    deployment: Deployment
    redis: Redis
    producer: Producer
    first: Verdict

    def judged(self, **told: Any) -> Verdict:
        """Return the judge's verdict."""
        return judge(self.deployment, **told)

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None, **more: Any) -> None:
        """Append one record and wait for it."""
        self.producer.produce(topic, value, key, partition, **more)
        assert self.producer.flush(30) == 0

    def row(self, user: str) -> tuple[int, bytes]:
        """Return the partition and the newest row of a user, its version byte before it."""
        found = (0, b"")
        for message in records(self.deployment, self.deployment.changelog, self.deployment.partitions):
            if message.key() == user.encode():
                found = message.partition(), message.value()
        return found

    @contextlib.contextmanager
    def row_changed(self, user: str, change: Callable[[np.ndarray], None]) -> Iterator[None]:
        """Have another row of `user` in the changelog, until the old one is appended again."""
        partition, old = self.row(user)
        row = np.frombuffer(bytearray(old[1:]), USER)
        change(row)
        self.append(self.deployment.changelog, partition, user.encode(), old[:1] + row.tobytes())
        try:
            yield
        finally:
            self.append(self.deployment.changelog, partition, user.encode(), old)

    @contextlib.contextmanager
    def redis_changed(self) -> Iterator[Redis]:
        """Put every key back afterwards."""
        kept = {key: self.redis.dump(key) for key in self.redis.scan_iter(match=f"{PREFIX}:*", count=1_000)}
        try:
            yield self.redis
        finally:
            self.redis.delete(*self.redis.scan_iter(match=f"{PREFIX}:*", count=1_000))
            for key, value in kept.items():
                self.redis.restore(key, 0, value)

    @contextlib.contextmanager
    def letters_changed(self) -> Iterator[list[Any]]:
        """Yield the letters of an emptied topic; afterwards it holds them all again, and nothing else."""
        topic = self.deployment.topic("dead-letters")
        kept = list(records(self.deployment, topic, 1))
        self._empty(topic)
        try:
            yield kept
        finally:
            self._empty(topic)
            for letter in kept:
                self.write_letter(letter)

    def write_letter(self, letter: Any, **instead: Any) -> None:
        """Append a letter again, with other headers where told."""
        headers = [(name, instead.get(name, value)) for name, value in letter.headers()]
        value = instead.get("value", letter.value())
        self.append(self.deployment.topic("dead-letters"), 0, None, value, headers=headers)

    def _empty(self, topic: str) -> None:
        admin = AdminClient({"bootstrap.servers": self.deployment.bootstrap})
        for future in admin.delete_records([TopicPartition(topic, 0, -1)]).values():
            future.result(30)


@pytest.fixture(scope="module")
def scene(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Score a small stream with repeats, rubbish and foreign keys; hand it over at rest."""
    folder: Path = tmp_path_factory.mktemp("judged")
    with pipeline(stack, folder, PREFIX, workers=2, profile="burst") as running:
        producer = Producer({"bootstrap.servers": stack.bootstrap_servers})
        topic = running.settings.topics.engagements.name
        for reason, value in BAD.items():
            producer.produce(topic, value, reason, partition=3)
        producer.produce(topic, None, "tombstone", partition=2)
        producer.produce(topic, json.dumps({**GOOD, "target": GOOD["actor"]}).encode(), "self", partition=2)
        for number, event in enumerate(EVENTS[:100]):
            producer.produce(topic, json.dumps(event).encode(), "foreign", partition=number % 8)
        assert producer.flush(30) == 0
        path = write(folder / "events.jsonl", [*EVENTS, *EVENTS[::5]])
        running.renown("ingest", str(path), "--format", "jsonl")
        running.renown("drain", "--timeout", "120")
        running.stop()
        deployment = Deployment(stack.bootstrap_servers, stack.redis_url, PREFIX, PREFIX, 8)
        with Redis.from_url(stack.redis_url) as redis:
            yield Scene(running, deployment, redis, producer, first=judge(deployment))


def test_a_deployment_that_did_everything_right_is_exact(scene: Scene) -> None:
    """A judge who always finds something is as useless as one who never does."""
    verdict = scene.first
    assert verdict.exact, verdict.text()
    assert verdict.events == verdict.counted == len(EVENTS)
    assert verdict.records == len(EVENTS) + len(EVENTS[::5]) + 100 + verdict.rerouted + len(BAD) + 2
    assert verdict.rerouted > 50
    assert verdict.repeats > len(EVENTS[::5])
    assert verdict.refused == {**dict.fromkeys(BAD, 1), "undecodable": 2, "self_engagement": 1}
    assert verdict.letters == len(BAD) + 1
    assert json.loads(json.dumps(verdict.document()))["exact"] is True


def test_an_event_that_nobody_processed_is_lost(scene: Scene) -> None:
    """The loss of one event among thousands must show, on both sides, until it is processed."""
    event = {**EVENTS[-1], "id": "left-behind", "actor": OTHER, "target": STAR}
    topic = scene.deployment.topic("engagements")
    scene.append(topic, home_of(OTHER.encode(), 8), OTHER.encode(), json.dumps(event).encode())
    verdict = scene.judged()
    for name in ("worker-0", "worker-1", "scoring"):
        scene.running.start(name)
    scene.running.renown("drain", "--timeout", "120")
    scene.running.stop()
    assert verdict.faults == {"lost": 1, "users_wrong": 2, "counts_wrong": 1, "unfinished": 1}
    assert (verdict.lost_received, verdict.lost_given) == (1, 1)
    after = scene.judged()
    assert after.exact, after.text()


def less(row: np.ndarray) -> None:
    """Take one event away."""
    row["received"][0, 0] -= 1


def more_received(row: np.ndarray) -> None:
    """Count one event twice."""
    row["received"][0, 1] += 1


def more_given(row: np.ndarray) -> None:
    """Count one event twice on the giving side."""
    row["given"][0, 2] += 1


def another_kind(row: np.ndarray) -> None:
    """Count an event under another kind."""
    row["received"][0] += np.array([-1, 1, 0, 0], np.int64).astype(np.uint32)


def another_day(row: np.ndarray) -> None:
    """Count one event more in the days alone."""
    row["days"][0, row["day"][0] % 7, 0] += 1


def unsent(row: np.ndarray) -> None:
    """Have a credit that was never sent as a score."""
    row["got_last"] += 1


def another_score(row: np.ndarray) -> None:
    """Remember having sent another score."""
    row["sent_score"] += 0.1


ROWS = [
    (less, {"lost": 1, "users_wrong": 1}),
    (more_received, {"doubled": 1, "users_wrong": 1}),
    (more_given, {"doubled": 1, "users_wrong": 1}),
    (another_kind, {"lost": 1, "doubled": 1, "users_wrong": 1}),
    (another_day, {"rows_unlike_scores": 1}),
    (another_score, {"rows_unlike_scores": 1}),
    (unsent, {"unfinished": 1}),
]


@pytest.mark.parametrize(("change", "faults"), ROWS, ids=[change.__name__ for change, _ in ROWS])
def test_a_wrong_row_is_noticed(scene: Scene, change: Callable[[np.ndarray], None], faults: dict[str, int]) -> None:
    """One count in one row of one user is the smallest thing that a fault can spoil."""
    with scene.row_changed(STAR, change):
        verdict = scene.judged()
    assert verdict.faults == faults, verdict.text()
    assert any(STAR in line for lines in verdict.examples.values() for line in lines)


def hash_of(user: str) -> str:
    """Return the key of a user's hash."""
    return f"{PREFIX}:u:{user}"


def older(redis: Redis) -> None:
    """Bring an earlier score of a user back, on the leaderboards as well."""
    version = int(redis.hget(hash_of(STAR), "version") or 0)
    redis.hset(hash_of(STAR), mapping={"version": version - 1, "score": "1.5", "raw": "0.5"})
    redis.zadd(f"{PREFIX}:top", {STAR: 0.5})
    redis.zadd(f"{PREFIX}:top:test", {STAR: 0.5})


def newer(redis: Redis) -> None:
    """Have a version in Redis that the topic never had."""
    redis.hincrby(hash_of(STAR), "version", 1)


def fewer_likes(redis: Redis) -> None:
    """Serve other counts of seven days than were published."""
    counts = json.loads(redis.hget(hash_of(STAR), "counts_7d") or "{}")
    redis.hset(hash_of(STAR), "counts_7d", json.dumps({**counts, "like": counts["like"] - 1}))


def gone(redis: Redis) -> None:
    """Lose a user altogether."""
    redis.delete(hash_of(STAR), f"{PREFIX}:why:{STAR}")
    for board in ("top", "top:test", "top:momentum"):
        redis.zrem(f"{PREFIX}:{board}", STAR)


def stranger(redis: Redis) -> None:
    """Serve a user nobody scored."""
    redis.copy(hash_of(STAR), hash_of("other:stranger"))
    raw, momentum = redis.hmget(hash_of(STAR), "raw", "momentum")
    redis.zadd(f"{PREFIX}:top", {"other:stranger": float(raw)})
    redis.zadd(f"{PREFIX}:top:other", {"other:stranger": float(raw)})
    redis.zadd(f"{PREFIX}:top:momentum", {"other:stranger": float(momentum)})


def wrong_rank(redis: Redis) -> None:
    """Rank a user by another value than hers."""
    redis.zincrby(f"{PREFIX}:top", 0.001, STAR)


def off_the_board(redis: Redis) -> None:
    """Leave a user out of her network's leaderboard."""
    redis.zrem(f"{PREFIX}:top:test", STAR)


def ghost_on_the_board(redis: Redis) -> None:
    """Rank somebody by momentum who has no score."""
    redis.zadd(f"{PREFIX}:top:momentum", {"test:ghost": 1.0})


def unexplained(redis: Redis) -> None:
    """Lose a user's moments."""
    redis.delete(f"{PREFIX}:why:{STAR}")


def no_score_at_all(redis: Redis) -> None:
    """Serve something that is not a number."""
    redis.hset(hash_of(STAR), "score", "nan")


def behind(redis: Redis) -> None:
    """Say that the last score of a partition is not applied."""
    fields = {name: int(at) for name, at in redis.hgetall(f"{PREFIX}:meta").items() if name.startswith(b"applied:")}
    name = max(fields, key=lambda each: fields[each])
    redis.hset(f"{PREFIX}:meta", name, fields[name] - 1)


SERVED = [
    (older, {"stale_scores": 1}),
    (newer, {"stale_scores": 1}),
    (fewer_likes, {"stale_scores": 1}),
    (gone, {"missing_scores": 1}),
    (stranger, {"stray_scores": 1}),
    (wrong_rank, {"boards_wrong": 1}),
    (off_the_board, {"boards_wrong": 1}),
    (ghost_on_the_board, {"boards_wrong": 1}),
    (unexplained, {"why_missing": 1}),
    (no_score_at_all, {"stale_scores": 1, "scores_out_of_range": 1}),
    (behind, {"unfinished": 1}),
]


@pytest.mark.parametrize(("change", "faults"), SERVED, ids=[change.__name__ for change, _ in SERVED])
def test_what_redis_serves_wrongly_is_noticed(
    scene: Scene, change: Callable[[Redis], None], faults: dict[str, int]
) -> None:
    """Readers see Redis alone: each key of each user must be what the topic last said."""
    with scene.redis_changed() as redis:
        change(redis)
        verdict = scene.judged()
    assert verdict.faults == faults, verdict.text()


def test_a_dead_letter_that_is_missing_is_noticed(scene: Scene) -> None:
    """A refused record that nobody kept is gone for good."""
    with scene.letters_changed() as letters:
        for letter in letters[1:]:
            scene.write_letter(letter)
        verdict = scene.judged()
    assert verdict.faults == {"letters_missing": 1}, verdict.text()


@pytest.mark.parametrize("instead", [{"reason": b"too_large"}, {"value": b"other bytes"}, {"offset": b"99999"}])
def test_a_dead_letter_that_says_something_else_is_noticed(scene: Scene, instead: dict[str, bytes]) -> None:
    """A letter is only good for a retry with the same bytes, place and reason."""
    with scene.letters_changed() as letters:
        undecodable = next(each for each in letters if dict(each.headers())["reason"] == b"undecodable")
        for letter in letters:
            scene.write_letter(letter)
        scene.write_letter(undecodable, **instead)
        verdict = scene.judged()
    assert verdict.faults == {"letters_wrong": 1}, verdict.text()


def test_a_dead_letter_written_twice_is_counted_and_allowed(scene: Scene) -> None:
    """Letters are at least once: a worker that died before committing writes them again."""
    with scene.letters_changed() as letters:
        for letter in (*letters, letters[0]):
            scene.write_letter(letter)
        verdict = scene.judged()
    assert verdict.exact, verdict.text()
    assert verdict.letters_repeated == 1


def test_a_poisoned_act_that_counted_or_has_no_letter_is_noticed(scene: Scene) -> None:
    """An act whose pricing fails must be kept as a letter and count nowhere."""
    event = next(each for each in EVENTS[100:] if each["target"] == STAR)
    verdict = scene.judged(poisoned=frozenset({str(event["id"])}))
    assert verdict.faults == {"doubled": 1, "users_wrong": 2, "counts_wrong": 1, "letters_missing": 1}, verdict.text()
