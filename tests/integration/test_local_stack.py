"""A real Kafka and a real Redis, started with nothing on PATH: what survives, what moves, what refuses."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis

from deploy.local import jars, kafka_config, process
from deploy.local.errors import ChecksumMismatchError
from deploy.local.lockfile import locked_jars
from deploy.local.progress import Silent
from deploy.local.services import Service
from deploy.local.stack import Stack
from deploy.local.state import StackState, connect

TOPIC = "kept"
pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


def sleepers(state: StackState) -> tuple[Service, ...]:
    """As many workers as asked for, each of which only waits."""
    sleep = (sys.executable, "-c", "import time; time.sleep(600)")
    return tuple(Service(f"worker-{number}", sleep) for number in range(state.workers))


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Return a stack not yet started, in an environment where no program can be found."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    one = Stack(tmp_path / "data", plan=sleepers)
    yield one
    one.down()


async def write(state: StackState) -> None:
    """One record in a topic of its own and one score, both acknowledged."""
    admin = AIOKafkaAdminClient(bootstrap_servers=state.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=state.bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait(TOPIC, b"value", b"key")
    async with Redis.from_url(state.redis_url) as client:
        await client.hset("renown:u:x", mapping={"score": "42.0"})


async def read(state: StackState) -> tuple[bytes | None, bytes | str | None]:
    """Return the record and the score as they are now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=state.bootstrap_servers)
    async with consumer:
        consumer.assign([TopicPartition(TOPIC, 0)])
        await consumer.seek_to_beginning()
        record = await asyncio.wait_for(consumer.getone(), 20)
    async with Redis.from_url(state.redis_url) as client:
        return record.value, await client.hget("renown:u:x", "score")


def kill(stack: Stack, *names: str) -> None:
    """`kill -9` the parts of these names and wait until they are gone."""
    parts = {part.name: part for part in stack.status().parts}
    for name in names:
        pid = parts[name].pid
        assert pid is not None
        identity = process.identify(pid)
        assert identity is not None
        os.kill(pid, signal.SIGKILL)
        assert process.wait_gone(identity, 10)


async def test_records_and_scores_survive_down_and_up(stack: Stack) -> None:
    """The data folder is the stack; processes come and go, on the same addresses."""
    before = stack.up(workers=0)
    await write(before)
    assert set(stack.down()) == {"kafka", "redis"}
    after = stack.up(workers=0)
    assert (after.bootstrap_servers, after.redis_url) == (before.bootstrap_servers, before.redis_url)
    assert await read(after) == (b"value", b"42.0")


async def test_a_killed_broker_is_seen_and_comes_back_with_its_data(stack: Stack) -> None:
    """`kill -9` loses no acknowledged record, and `up` repairs without touching what runs."""
    before = stack.up(workers=1)
    await write(before)
    kill(stack, "kafka")
    found = {part.name: part.running for part in stack.status().parts}
    assert found == {"kafka": False, "redis": True, "worker-0": True}
    after = stack.up(workers=1)
    assert stack.status().running
    assert after.bootstrap_servers == before.bootstrap_servers
    assert (after.redis, after.services) == (before.redis, before.services)
    assert await read(after) == (b"value", b"42.0")


async def test_a_port_taken_meanwhile_moves_the_server_and_restarts_its_users(stack: Stack) -> None:
    """Another program may come in while the stack is down or dead; services must not keep the old address."""
    before = stack.up(workers=1)
    await write(before)
    kill(stack, "kafka", "redis")
    assert before.kafka is not None
    assert before.redis is not None
    ports = (before.kafka.port, before.kafka.controller_port, before.redis.port)
    with ExitStack() as holders:
        for port in ports:
            holders.enter_context(socket.create_server(("127.0.0.1", port)))
        after = stack.up(workers=1)
    assert after.bootstrap_servers != before.bootstrap_servers
    assert after.redis_url != before.redis_url
    assert after.services != before.services
    assert await read(after) == (b"value", b"42.0")


def test_two_stacks_run_side_by_side(stack: Stack, tmp_path: Path) -> None:
    """One for the demo and one for the tests, started at the same moment."""
    other = Stack(tmp_path / "other", plan=sleepers)
    try:
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda one: one.up(workers=0), (stack, other))
        assert first.bootstrap_servers != second.bootstrap_servers
        other.down()
        assert stack.status().running
    finally:
        other.down()


def test_two_ups_on_one_folder_start_one_stack(stack: Stack) -> None:
    """Two terminals, or a retry of a slow start, must not put two brokers on one folder."""
    calls: list[StackState] = []
    again = Stack(stack.data_dir, plan=sleepers)
    with ThreadPoolExecutor(2) as pool:
        ups = [pool.submit(one.up, workers=2, after_brokers=calls.append) for one in (stack, again)]
        first, second = (up.result() for up in ups)
    assert first == second == connect(stack.data_dir)
    assert len(calls) == 2
    assert all(not call.services or call.services == first.services for call in calls)


def test_workers_are_added_and_taken_away_by_up(stack: Stack) -> None:
    """Scaling is the same command with another number."""
    one = stack.up(workers=1)
    three = stack.up(workers=3)
    assert [service.name for service in three.services] == ["worker-0", "worker-1", "worker-2"]
    assert three.services[0] == one.services[0]
    assert stack.up(workers=1).services == one.services
    names = [part.name for part in stack.status().parts]
    assert names == ["kafka", "redis", "worker-0"]


def test_nothing_is_left_running_after_down(stack: Stack) -> None:
    """A stack that leaks processes fills a laptop in a week."""
    stack.up(workers=2)
    pids = [part.pid for part in stack.status().parts]
    assert set(stack.down()) == {"kafka", "redis", "worker-0", "worker-1"}
    assert [process.identify(pid) for pid in pids if pid is not None] == [None] * 4


def test_a_tampered_jar_starts_nothing(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that run are the bytes that were reviewed."""
    paths = jars.ensure(Silent())
    copies = tmp_path / "cache" / paths[0].parent.name
    copies.mkdir(parents=True)
    for path in paths:
        (copies / path.name).symlink_to(path)
    victim = copies / locked_jars()[3].file_name
    content = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    monkeypatch.setenv("RENOWN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ChecksumMismatchError, match=victim.name):
        stack.up(workers=0)
    assert not (stack.data_dir / "logs").exists()
    assert not stack.status().running


async def test_large_records_pass_as_far_as_the_limit_says(stack: Stack) -> None:
    """State is written in batches of megabytes."""
    state = stack.up(workers=0)
    await write(state)
    limit = int(kafka_config.SETTINGS["message.max.bytes"])
    producer = AIOKafkaProducer(bootstrap_servers=state.bootstrap_servers, max_request_size=limit)
    async with producer:
        sent = await producer.send_and_wait(TOPIC, bytes(limit - 4096))
    assert sent.offset == 1
