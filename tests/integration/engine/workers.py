"""Worker processes under test, the topics they read, and what their changelog says in the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.rows import PAIR, USER

PROGRAM = Path(__file__).with_name("count_worker.py")
ROOT = Path(__file__).parents[3]
GROUP = "audit"
COMPACTED = {"cleanup.policy": "compact", "max.message.bytes": str(16 << 20)}
SLOW = {"SLOW_S": "0.0002", "MAX_CHUNK": "200", "COMMIT_S": "0.4"}
COMING_BACK = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TRANSPORT,
}


class Worker:
    """One counting worker process; `events` is how many it has applied."""

    def __init__(self, topics: Topics, **env: str) -> None:
        """Start it."""
        self.lines: list[str] = []
        self.events = 0
        self.owned = 0
        command = [sys.executable, str(PROGRAM), topics.app_id, str(topics.partitions), topics.bootstrap]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PAIRS": "1", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if match := re.match(r"DONE (\d+) owned (\d+)", line):
                self.events, self.owned = int(match[1]), int(match[2])
            else:
                self.lines.append(line.rstrip())

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self, limit_s: float = 30) -> int:
        """Return the exit code; kills the worker when it does not end by itself."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._reader.join(1)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self._reader.join(5)
            self.process.stdout.close()


@dataclass
class Topics:
    """An events topic with known content, its changelog, and the workers that read it."""

    bootstrap: str
    app_id: str
    partitions: int = 4
    sent: int = 0
    workers: list[Worker] = field(default_factory=list)

    @property
    def events(self) -> str:
        """The topic of events."""
        return f"{self.app_id}-events"

    @property
    def changelog(self) -> str:
        """The changelog of the users table."""
        return f"{self.app_id}-users-changelog"

    def create(self) -> None:
        """Create both topics."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        wanted = [
            NewTopic(self.events, self.partitions, 1),
            NewTopic(self.changelog, self.partitions, 1, config=COMPACTED),
        ]
        for created in admin.create_topics(wanted).values():
            created.result(20)

    def send(self, count: int, users: int = 500, codec: str = "none") -> None:
        """Send `count` more events: event i goes to partition i % partitions, the users in turn."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "compression.type": codec,
                "linger.ms": 20,
                "batch.num.messages": 500,
            }
        )
        for i in range(self.sent, self.sent + count):
            partition = i % self.partitions
            key = f"net:p{partition}-user{i // self.partitions % users}".encode()
            producer.produce(self.events, b"{}", key, partition=partition)
            if i % 1000 == 0:
                producer.poll(0)
        producer.flush()
        self.sent += count

    def expected(self, users: int = 500) -> dict[bytes, int]:
        """Return how often each user acted."""
        counts: dict[bytes, int] = {}
        for i in range(self.sent):
            key = f"net:p{i % self.partitions}-user{i // self.partitions % users}".encode()
            counts[key] = counts.get(key, 0) + 1
        return counts

    def start(self, **env: str) -> Worker:
        """Start one more worker."""
        worker = Worker(self, **env)
        self.workers.append(worker)
        return worker

    def committed(self) -> int:
        """Return how many events the group has committed."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.app_id, "log_level": 0})
        places = [TopicPartition(self.events, p) for p in range(self.partitions)]
        try:
            return sum(max(0, place.offset) for place in consumer.committed(places, timeout=10))
        except KafkaException as error:
            # A broker that has just come back: whoever waits asks again.
            if error.args[0].code() not in COMING_BACK:
                raise
            return 0
        finally:
            consumer.close()

    def wait_committed(self, limit_s: float = 60) -> None:
        """Return when every event is committed."""
        until(lambda: self.committed() >= self.sent, limit_s, pause_s=0.3)
        assert self.committed() == self.sent

    def records(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the whole changelog, partition by partition in order."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(self.changelog, p, 0) for p in range(self.partitions)])
        ends = 0
        while ends < self.partitions:
            for message in consumer.consume(10_000, 1):
                if message.error():
                    ends += 1
                else:
                    yield message.key(), message.value()
        consumer.close()

    def audit(self) -> tuple[dict[bytes, int], dict[bytes, float]]:
        """Return, of the changelog alone, each user's count and the sum of its pairs."""
        counts: dict[bytes, int] = {}
        pairs: dict[bytes, float] = {}
        for key, value in self.records():
            if key[0] >= 0x20 and value is not None:
                counts[key] = int(np.frombuffer(value[1:], USER)["given"][0][0])
            elif key[0] == 1 and value is not None:
                pairs[key] = float(np.frombuffer(value[1:], PAIR)["granted"][0])
        sums: dict[bytes, float] = {}
        for key, mass in pairs.items():
            sums[key[9:]] = sums.get(key[9:], 0.0) + mass
        return counts, sums

    def assert_exact(self) -> None:
        """Every event is counted once, in the user's row and in its pairs."""
        counts, sums = self.audit()
        expected = self.expected()
        wrong = {key: (counts.get(key), n) for key, n in expected.items() if counts.get(key) != n}
        assert not wrong, f"{len(wrong)} of {len(expected)} users wrong, e.g. {next(iter(wrong.items()))}"
        torn = {key: (sums.get(key), n) for key, n in counts.items() if sums.get(key) != n}
        assert not torn, f"{len(torn)} users torn from their pairs, e.g. {next(iter(torn.items()))}"


def until(holds: Callable[[], bool], limit_s: float = 30, pause_s: float = 0.02) -> None:
    """Return when `holds` does; AssertionError after the limit."""
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(pause_s)


@contextmanager
def pipeline(bootstrap: str, app_id: str, events: int) -> Iterator[Topics]:
    """Topics with `events` events in them; ends every worker afterwards."""
    topics = Topics(bootstrap, app_id)
    topics.create()
    topics.send(events)
    try:
        yield topics
    finally:
        for number, worker in enumerate(topics.workers):
            worker.kill()
            # pytest shows this when the test fails.
            print(  # noqa: T201
                f"worker {number} ended {worker.process.returncode} after {worker.events}",
                *worker.lines,
                sep="\n  ",
            )
