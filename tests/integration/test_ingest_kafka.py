"""Events into a real Kafka: files, HTTP, dead letters and their second try."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from agents.cli.main import cli
from agents.ingest.delivery import Delivery
from agents.ingest.formats import outcomes
from agents.ingest.http import PATH, Ingest, build
from agents.ingest.http_metrics import HttpMetrics
from agents.ingest.kafka import KafkaAwayError, connected_producer, stopped
from agents.ingest.letters import filed_letters
from agents.ingest.pace import Pace
from agents.ingest.publisher import Publisher
from agents.ingest.run import publish_all
from agents.topics import apply
from deploy.local import ports
from deploy.local.state import StackState
from schemas.dead_letter import dead_letter
from streams.clock import wall_ms
from streams.settings import Settings

pytestmark = pytest.mark.integration
PARTITIONS = 4


@pytest.fixture
async def settings(stack: StackState, own_prefix: str) -> Settings:
    """Give a deployment of its own on the shared stack, its topics made."""
    own = Settings(
        bootstrap=stack.bootstrap_servers, redis_url=stack.redis_url, prefix=own_prefix, partitions=PARTITIONS
    )
    await apply(own)
    return own


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer as ingestion starts it."""
    started = await connected_producer(settings.bootstrap)
    yield started
    await stopped(started)


def _events(count: int) -> bytes:
    lines = [
        json.dumps({"id": str(n), "kind": "like", "actor": f"x:é{n % 97}", "target": f"y:{n % 7}", "occurred_at": n})
        for n in range(count)
    ]
    return "\n".join(lines).encode() + b"\n"


async def _read(settings: Settings, topic: str, partitions: int) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, enable_auto_commit=False)
    places = [TopicPartition(topic, number) for number in range(partitions)]
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def test_a_file_arrives_whole_in_order_and_where_its_actors_belong(
    settings: Settings, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """One actor's events are priced in their order: they must lie on one partition, as they stood in the file."""
    path = tmp_path / "events"
    path.write_bytes(
        _events(20_000) + b"torn\n" + b'{"id":"1","kind":"like","actor":"x:a","target":"x:a","occurred_at":5}\n'
    )
    publisher = Publisher(producer, settings.topics, PARTITIONS, "jsonl", "events", wall_ms)
    await publish_all(outcomes(str(path), "jsonl"), publisher, Pace(None), asyncio.Event(), lambda: None)
    assert publisher.tally.sent == 20_000
    assert publisher.tally.by_reason() == {"undecodable": 1, "self_engagement": 1}
    records = await _read(settings, settings.topics.engagements.name, PARTITIONS)
    assert len(records) == 20_000
    every, newest = list(range(PARTITIONS)), Counter[bytes]()
    for record in sorted(records, key=lambda each: each.offset):
        event = json.loads(record.value)
        assert record.key == event["actor"].encode()
        assert record.partition == DefaultPartitioner()(record.key, every, every)
        assert event["occurred_at"] >= newest[record.key]
        newest[record.key] = event["occurred_at"]
    (letter,) = await _read(settings, settings.topics.dead_letters.name, 1)
    told = dead_letter(letter.value, list(letter.headers))
    assert (told.value, told.offset, told.topic, told.source) == (b"torn", 20_001, "events", "jsonl")


async def test_a_stopped_file_leaves_what_was_sent_acknowledged(
    settings: Settings, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    """Ctrl-C: the summary must count exactly what Kafka holds."""
    path = tmp_path / "events"
    path.write_bytes(_events(20_000))
    stop = asyncio.Event()
    publisher = Publisher(producer, settings.topics, PARTITIONS, "jsonl", "events", wall_ms)
    await publish_all(outcomes(str(path), "jsonl"), publisher, Pace(None), stop, stop.set)
    records = await _read(settings, settings.topics.engagements.name, PARTITIONS)
    assert len(records) == publisher.tally.sent
    assert 0 < publisher.tally.sent < 20_000


async def test_what_http_accepts_is_in_kafka(settings: Settings) -> None:
    """The answer is a promise: look right after it, without waiting."""
    registry = CollectorRegistry()
    delivery = Delivery(settings.bootstrap, settings.topics)
    ingest = Ingest(delivery, HttpMetrics(registry), registry, wall_ms, 300.0)
    async with TestClient(TestServer(build(ingest))) as client:
        async with asyncio.timeout(30):
            while (await client.get("/health")).status != 200:  # noqa: ASYNC110 - asked over HTTP, as a prober does
                await asyncio.sleep(0.05)
        answer = await client.post(PATH, data=_events(1_000))
        assert answer.status == 202
        records = await _read(settings, settings.topics.engagements.name, PARTITIONS)
    assert sorted(int(json.loads(record.value)["id"]) for record in records) == list(range(1_000))


async def test_http_claims_nothing_while_kafka_is_away(settings: Settings) -> None:
    """It starts without Kafka, answers 503, and says so in its health."""
    registry = CollectorRegistry()
    delivery = Delivery(f"{ports.HOST}:{ports.pick()}", settings.topics)
    ingest = Ingest(delivery, HttpMetrics(registry), registry, wall_ms, 300.0)
    async with TestClient(TestServer(build(ingest))) as client:
        answer = await client.post(PATH, data=_events(1))
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
        assert (await client.get("/health")).status == 503


async def test_without_kafka_the_error_is_one_line_with_the_remedy() -> None:
    """People read it; it comes after the waiting time, not before."""
    with pytest.raises(KafkaAwayError, match=r"not reachable.*renown up"):
        await connected_producer(f"{ports.HOST}:{ports.pick()}", 0.5)


def _renown(settings: Settings, *arguments: str) -> Result:
    env = {
        "RENOWN_BOOTSTRAP": settings.bootstrap,
        "RENOWN_REDIS_URL": settings.redis_url,
        "RENOWN_PREFIX": settings.prefix,
        "RENOWN_DATA": "/nowhere/at/all",
    }
    return CliRunner().invoke(cli, arguments, env=env)


async def test_dead_letters_can_be_listed_shown_and_tried_again(settings: Settings) -> None:
    """A fix of ours gives senders their events back, and a letter written twice is one letter."""
    good = json.dumps({"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}).encode()
    headers = [
        ("reason", b"unknown_kind"), ("detail", b"kind"), ("topic", b"t"), ("partition", b"0"), ("offset", b"5"),
        ("source", b"worker"), ("at", b"5"),
    ]  # fmt: skip
    producer = await connected_producer(settings.bootstrap)
    topic = settings.topics.dead_letters.name
    for value, head in (
        (good, headers),
        (good, headers),
        (b"torn", [*headers[:4], ("offset", b"6"), *headers[5:]]),
        (b"", []),
    ):
        await producer.send_and_wait(topic, value, headers=head, partition=0)
    await stopped(producer)
    found = [each async for each in filed_letters(settings.bootstrap, topic)]
    assert [(each.number, each.letter.value) for each in found] == [(0, good), (2, b"torn")]
    listed = await asyncio.to_thread(_renown, settings, "dlq", "list", "--json")
    assert [json.loads(line)["offset"] for line in listed.stdout.splitlines()] == [5, 6]
    shown = await asyncio.to_thread(_renown, settings, "dlq", "show", "2", "--json")
    assert json.loads(shown.stdout)["value"] == "torn"
    retried = await asyncio.to_thread(_renown, settings, "dlq", "retry", "--json")
    assert json.loads(retried.stdout) == {"sent": 1, "refused": {"undecodable": 1}}
    (record,) = await _read(settings, settings.topics.engagements.name, PARTITIONS)
    assert (record.key, record.value) == (b"x:a", good)
