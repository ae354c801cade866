"""A collector as a process on the real Kafka, and what it has brought there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.ingest.letters import filed_letters
from agents.topics import apply
from deploy.local import ports
from deploy.local.state import StackState
from streams.settings import Settings
from tests.integration.pipeline import RENOWN
from tests.sources.feeds.feed import Feed, Told

LIMIT_S = 60
PARTITIONS = 4


@dataclass
class Collecting:
    """`renown collect <name>`, started and ended as often as a test wants, always on the same topics and state."""

    stack: StackState
    prefix: str
    folder: Path
    name: str
    feed: Feed
    metrics_port: int = field(default_factory=ports.pick)
    process: asyncio.subprocess.Process | None = None

    async def prepare(self) -> None:
        """Create the topics."""
        await apply(Settings(bootstrap=self.stack.bootstrap_servers, prefix=self.prefix, partitions=PARTITIONS))

    async def start(self, *more: str) -> None:
        """Start the collector."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
        env = inherited | {
            "RENOWN_BOOTSTRAP": self.stack.bootstrap_servers,
            "RENOWN_REDIS_URL": self.stack.redis_url,
            "RENOWN_PREFIX": self.prefix,
            "RENOWN_DATA": str(self.folder),
            "RENOWN_METRICS_PORT": str(self.metrics_port),
        }
        command = [*RENOWN, "collect", self.name, *self.feed.arguments, *more]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command, env=env, stderr=log)

    @property
    def log(self) -> Path:
        """What the collector has said."""
        return self.folder / "log"

    async def ended(self, number: int | None = None, limit_s: float = LIMIT_S) -> int:
        """Send a signal, if any; return the exit code. TimeoutError when it lives longer."""
        assert self.process is not None
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(limit_s):
            return await self.process.wait()

    async def cleaned(self) -> None:
        """Kill what still runs."""
        if self.process is not None and self.process.returncode is None:
            await self.ended(signal.SIGKILL)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Return once `holds` does (it may be a coroutine function); fail with the log when the collector fails."""
        until = time.monotonic() + LIMIT_S
        while not await _value(holds()):
            assert self.process is not None
            assert self.process.returncode in {None, 0}, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            await asyncio.sleep(0.05)

    async def metric(self, name: str, label: str = "") -> float:
        """Return a metric's value, -1 while it cannot be had."""
        try:
            text = await asyncio.to_thread(_exposed, self.metrics_port)
        except OSError:
            return -1.0
        start = f'renown_collect_{name}{{{label}source="{self.name}"}} '
        return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start)), -1.0)

    async def arrived(self) -> dict[Told, list[dict[str, Any]]]:
        """Return every engagement in Kafka with all its repeats."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.bootstrap_servers, enable_auto_commit=False)
        places = [TopicPartition(f"{self.prefix}.engagements.v1", number) for number in range(PARTITIONS)]
        found: defaultdict[Told, list[dict[str, Any]]] = defaultdict(list)
        await consumer.start()
        try:
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            left = sum((await consumer.end_offsets(places)).values())
            while left > 0:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    left -= len(records)
                    for act in (json.loads(record.value) for record in records):
                        found[act["id"], act.get("undo", False)].append(act)
        finally:
            await consumer.stop()
        return dict(found)

    async def letters(self) -> list[bytes]:
        """Return the dead letters' values, each refused frame once."""
        topic = f"{self.prefix}.dead-letters.v1"
        return [each.letter.value async for each in filed_letters(self.stack.bootstrap_servers, topic)]


async def _value(found: Any) -> Any:
    return await found if asyncio.iscoroutine(found) else found


def _exposed(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())
