"""A file that is interrupted goes on where it stopped: nothing is missing, and little is sent twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.topics import apply
from deploy.local.state import StackState
from streams.settings import Settings
from tests.integration.pipeline import RENOWN

pytestmark = pytest.mark.integration
EVENTS = 6_000
RATE = 2_000
LIMIT_S = 60


def _events() -> bytes:
    line = '{"id":"%d","kind":"like","actor":"x:%d","target":"x:b","occurred_at":5}\n'
    return "".join(line % (number, number % 97) for number in range(EVENTS)).encode()


async def _ids(bootstrap: str, prefix: str, least: int = 0) -> list[str]:
    """Return the ids in Kafka, once there are at least so many."""
    places = [TopicPartition(f"{prefix}.engagements.v1", number) for number in range(2)]
    consumer, found = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False), list[str]()
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        async with asyncio.timeout(LIMIT_S):
            while len(found) < least or len(found) < sum((await consumer.end_offsets(places)).values()):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [json.loads(record.value)["id"] for record in records]
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_goes_on(number: signal.Signals, stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """After kill -9 at most about a second is sent again, after Ctrl-C nothing; a third run begins anew."""
    asyncio.run(apply(Settings(bootstrap=stack.bootstrap_servers, prefix=own_prefix, partitions=2)))
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    own = {"RENOWN_BOOTSTRAP": stack.bootstrap_servers, "RENOWN_REDIS_URL": stack.redis_url}
    env = plain | own | {"RENOWN_PREFIX": own_prefix, "RENOWN_DATA": str(tmp_path / "data")}
    file = tmp_path / "events.jsonl"
    file.write_bytes(_events())
    first = subprocess.Popen([*RENOWN, "ingest", str(file), "--rate", str(RATE)], env=env, stderr=subprocess.PIPE)
    asyncio.run(_ids(stack.bootstrap_servers, own_prefix, int(1.6 * RATE)))
    first.send_signal(number)
    _, said = first.communicate(timeout=LIMIT_S)
    assert (b"the same command goes on" in said) is (number == signal.SIGINT)
    assert first.returncode == (130 if number == signal.SIGINT else -number)
    sent = len(asyncio.run(_ids(stack.bootstrap_servers, own_prefix)))
    assert sent < EVENTS
    argv = [*RENOWN, "ingest", str(file), "--json"]
    second = subprocess.run(argv, env=env, capture_output=True, timeout=LIMIT_S, check=True)
    assert b"going on after" in second.stderr
    found = asyncio.run(_ids(stack.bootstrap_servers, own_prefix))
    assert set(found) == {str(each) for each in range(EVENTS)}
    repeats = len(found) - EVENTS
    assert repeats == 0 if number == signal.SIGINT else repeats <= 2 * RATE
    third = subprocess.run(argv, env=env, capture_output=True, timeout=LIMIT_S, check=True)
    assert (json.loads(third.stdout)["sent"], third.stderr) == (EVENTS, b"")
