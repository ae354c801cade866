"""What breaks the contract becomes a dead letter with its reason and place, and stops nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.local.ports import pick
from deploy.local.state import StackState
from streams.engine.partitioner import partition_of
from tests.events import START_MS, differences, engagements, write
from tests.integration.pipeline import RENOWN, pipeline

pytestmark = pytest.mark.integration
GOOD = {"id": "x", "kind": "like", "actor": "test:a", "target": "test:b", "occurred_at": START_MS}
FUTURE_MS = 4_000_000_000_000
AT_HOME = next(f"test:u{i}" for i in range(99) if partition_of(f"test:u{i}".encode(), 8) == 3)
"""What only its actor's partition can refuse must be sent there."""
BAD = {
    "undecodable": b'{"id":"torn","kind":"li',
    "too_large": json.dumps({**GOOD, "more": "x" * 20_000}).encode(),
    "from_the_future": json.dumps({**GOOD, "id": "later", "occurred_at": FUTURE_MS}).encode(),
    "unknown_kind": json.dumps({**GOOD, "id": "zap", "kind": "zap"}).encode(),
    "invalid_field": json.dumps({**GOOD, "id": "line", "actor": "test:a\nb"}).encode(),
    "undo_unknown": json.dumps({**GOOD, "id": "undo", "actor": AT_HOME, "undo": True}).encode(),
}


def letters(bootstrap: str, topic: str) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return every dead letter by reason: value and headers, read with a foreign client."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "judge", "enable.auto.commit": False})
    partition = TopicPartition(topic, 0, 0)
    _, end = consumer.get_watermark_offsets(partition, timeout=10)
    consumer.assign([partition])
    found: dict[str, tuple[bytes, dict[str, str]]] = {}
    for message in consumer.consume(end, timeout=10):
        headers = {name: value.decode() for name, value in message.headers() or []}
        found[headers["reason"]] = (message.value(), headers)
    consumer.close()
    return found


def test_each_bad_record_is_kept_with_its_reason_and_place_and_stops_nothing(
    stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """A third of the stream may be rubbish: the rest counts exactly, and the rubbish can be mended and retried."""
    events = engagements(1_000, 100, seed=3)
    lines = write(tmp_path / "good.jsonl", events).read_bytes().splitlines()
    with pipeline(stack, tmp_path, f"{own_prefix}-bad", workers=1, profile="burst") as running:
        topic = running.settings.topics.engagements.name
        producer = Producer({"bootstrap.servers": running.settings.bootstrap})
        for reason, value in BAD.items():
            producer.produce(topic, value, reason, partition=3)
        producer.produce(topic, None, "tombstone", partition=3)
        for number, line in enumerate(lines):
            producer.produce(topic, line, json.loads(line)["actor"], partition=number % 8)
        producer.flush()
        running.renown("drain", "--timeout", "120")
        assert differences(running.counts(), events) == []
        kept = letters(running.settings.bootstrap, running.settings.topics.dead_letters.name)
    assert set(kept) == set(BAD)
    for place, (reason, value) in enumerate(BAD.items()):
        if reason != "undecodable":  # the tombstone is another undecodable record, kept as an empty letter
            assert kept[reason][0] == value
            assert kept[reason][1]["offset"] == str(place)
        assert (kept[reason][1]["topic"], kept[reason][1]["partition"]) == (topic, "3")


def test_a_broker_that_is_down_at_start_gives_one_clear_line_and_a_retry(tmp_path: Path) -> None:
    """Deployments start in any order: a worker waits for its broker and says so once."""
    address = f"127.0.0.1:{pick()}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    env |= {"RENOWN_BOOTSTRAP": address, "RENOWN_DATA": str(tmp_path)}
    worker = subprocess.Popen([*RENOWN, "worker"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(12)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    said = worker.communicate(timeout=30)[0].decode()
    assert said.count("\n") == 1, said
    assert address in said
    assert "Traceback" not in said
