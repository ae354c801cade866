"""Any Kafka client in any language writes the contract: Java's own and librdkafka, counted by the pipeline."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer

from agents.ingest.cloudevents import TYPE
from deploy.local import jars, java
from deploy.local.lockfile import LockedJar, locked_jars
from deploy.local.progress import Silent
from deploy.local.state import StackState
from tests.events import Event, differences, engagements
from tests.integration.pipeline import pipeline

pytestmark = pytest.mark.integration
TOOLS = LockedJar(
    "org.apache.kafka",
    "kafka-tools",
    "4.3.1",
    698_668,
    "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c",
)
"""Holds Kafka's console producer; a broker needs it not."""
CONTEXT = {
    "ce_specversion": "1.0",
    "ce_id": "1",
    "ce_source": "/s",
    "ce_type": TYPE,
    "content-type": "application/json",
}
"""Headers that make a record a CloudEvent in binary mode, whose value is the engagement itself."""


def _by_java(bootstrap: str, topic: str, events: Sequence[Event]) -> None:
    """Send with Java's own client: `kafka-console-producer`, key and value parted by a tab."""
    classpath = os.pathsep.join(str(path) for path in jars.ensure(Silent(), (*locked_jars(), TOOLS)))
    reading = [word for each in ("parse.key=true", "key.separator=\t") for word in ("--reader-property", each)]
    words = ["--bootstrap-server", bootstrap, "--topic", topic, *reading]
    lines = "".join(f"{event['actor']}\t{json.dumps(event)}\n" for event in events)
    argv = [str(java.find()), "-cp", classpath, "org.apache.kafka.tools.ConsoleProducer", *words]
    done = subprocess.run(argv, input=lines.encode(), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def _by_librdkafka(bootstrap: str, topic: str, events: Sequence[Event], **settings: str) -> None:
    """Send with the client under those of Go, Node, .NET, Rust and C; its own partitioner is not Kafka's."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, **settings})
    for event in events:
        producer.produce(topic, json.dumps(event), str(event["actor"]), headers=CONTEXT)
    assert producer.flush(60) == 0


def test_what_foreign_clients_write_is_counted_exactly(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """By README's advice, also as CloudEvents; and who leaves the partitioner as it is loses nothing."""
    events = engagements(1_500, 100, seed=11)
    with pipeline(stack, tmp_path, f"{own_prefix}-foreign", workers=1, profile="burst") as running:
        where = running.settings.bootstrap, running.settings.topics.engagements.name
        _by_java(*where, events[:500])
        _by_librdkafka(*where, events[500:1_000], partitioner="murmur2_random")
        _by_librdkafka(*where, events[1_000:])
        running.renown("drain", "--timeout", "120")
        assert differences(running.counts(), events) == []
