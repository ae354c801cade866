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
from tests.faults.spoilt_redis import PREFIX, SERVED, STAR
from tests.faults.spoilt_rows import ROWS
from tests.integration.pipeline import Pipeline, pipeline
from tests.integration.test_pipeline_bad_input import BAD, GOOD

pytestmark = pytest.mark.integration
EVENTS = engagements(3_000, 300, seed=11)
UNDOS = [event | {"undo": True} for event in EVENTS[1_000:1_060]]
OTHER = "test:user2"


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
        path = write(folder / "events.jsonl", [*EVENTS, *UNDOS, *EVENTS[::5], *UNDOS[:20]])
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
    sent = len(EVENTS) + len(EVENTS[::5]) + len(UNDOS) + len(UNDOS[:20]) + 100 + len(BAD) + 2
    assert verdict.records == sent + verdict.rerouted
    assert verdict.undone == len(UNDOS)
    assert verdict.rerouted > 50
    assert verdict.repeats > len(EVENTS[::5]) + len(UNDOS[:20])
    assert verdict.refused == {**dict.fromkeys(BAD, 1), "undecodable": 2, "self_engagement": 1}
    assert verdict.letters == len(BAD) + 1
    assert json.loads(json.dumps(verdict.document()))["exact"] is True


def test_an_event_that_nobody_processed_is_lost(scene: Scene) -> None:
    """The loss of one event or undo among thousands must show, on each side it has, until it is processed."""
    event = {**EVENTS[-1], "id": "left-behind", "actor": OTHER, "target": STAR}
    topic, undone = scene.deployment.topic("engagements"), EVENTS[1_100]
    actor, undo = str(undone["actor"]).encode(), json.dumps(undone | {"undo": True}).encode()
    for _ in range(2):
        scene.append(topic, home_of(actor, 8), actor, undo)
        assert scene.judged().faults.items() >= {"doubled": 1, "users_wrong": 1, "counts_wrong": 1}.items()
    scene.append(topic, home_of(OTHER.encode(), 8), OTHER.encode(), json.dumps(event).encode())
    verdict = scene.judged()
    for name in ("worker-0", "worker-1", "scoring"):
        scene.running.start(name)
    scene.running.renown("drain", "--timeout", "120")
    scene.running.stop()
    assert verdict.faults["lost"] == verdict.lost_given == 1
    assert verdict.faults["unfinished"] == 3
    after = scene.judged()
    assert after.exact, after.text()


@pytest.mark.parametrize(("change", "faults"), ROWS, ids=[change.__name__ for change, _ in ROWS])
def test_a_wrong_row_is_noticed(scene: Scene, change: Callable[[np.ndarray], None], faults: dict[str, int]) -> None:
    """One count in one row of one user is the smallest thing that a fault can spoil."""
    with scene.row_changed(STAR, change):
        verdict = scene.judged()
    assert verdict.faults == faults, verdict.text()
    assert any(STAR in line for lines in verdict.examples.values() for line in lines)


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
