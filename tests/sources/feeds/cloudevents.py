"""A topic of CloudEvents on the real Kafka, written by the CloudEvents project's own library in turns of its modes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from deploy.local.state import StackState
from tests.sources.feeds.feed import Told

ACTS = 40
BROKEN = (b"{", b'["\xff"]', b"[1")


def event(number: int, kind: str = "renown.engagement.v1", **more: object) -> CloudEvent:
    """Return an event that holds an engagement."""
    act = {"id": f"ce:{number}", "kind": "like", "actor": f"x:{number}", "target": "x:b", "occurred_at": 5} | more
    attributes = {"id": f"e-{number}", "source": "/tests", "type": kind, "datacontenttype": "application/json"}
    return CloudEvent({**attributes, "specversion": "1.0"}, act)


class Feed:
    """The feed: binary and structured by turns, some twice, events of other types and broken ones among them."""

    ends = False
    cursors = True

    def __init__(self, folder: Path, stack: StackState) -> None:
        self._bootstrap, self._topic = stack.bootstrap_servers, f"events-{folder.name}"
        self._at_ms = int(time.time() * 1000) - 1_000_000
        self._records = [self._record(number) for number in range(ACTS)]
        self._records[7:7] = [to_structured_event(event(999, "com.example.other"))]
        self._broken = [({"content-type": b"application/cloudevents+json"}, value) for value in BROKEN]
        self.asked: list[str | None] = [""]
        self._until = 0

    def _record(self, number: int) -> Any:
        made = event(number, **({"undo": True} if number % 10 == 9 else {}))
        return to_binary_event(made) if number % 2 else to_structured_event(made)

    @property
    def garbage(self) -> Sequence[bytes]:
        """Return the broken records as they stand first in the topic."""
        return [
            json.dumps([f"0:{at + 1}", self._at_ms + at, {"content-type": "application/cloudevents+json"}])
            .replace(" ", "")
            .encode()
            + b"\n"
            + value
            for at, value in enumerate(BROKEN)
        ]

    @property
    def arguments(self) -> Sequence[str]:
        """Read this topic."""
        return ["--topic", self._topic]

    def told(self, after: str | None = None) -> set[Told]:
        """Return what must arrive."""
        first = max(0, int((after or "0:0")[2:]) - len(BROKEN))
        numbers = [*range(7), 999, *range(7, ACTS)][first:]
        return {(f"ce:{number}", number % 10 == 9) for number in numbers if number != 999}

    def middle(self) -> str:
        """Return the cursor of the middle."""
        return f"0:{len(BROKEN) + ACTS // 2}"

    def release(self, share: float) -> None:
        """Let records be written."""
        self._until = int(len(self._records) * share)

    async def __aenter__(self) -> Self:
        """Make the topic and begin to write."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(self._topic, 1, 1)])
        await admin.close()
        self._writing = asyncio.get_running_loop().create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        self._writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writing

    async def _write(self) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            at_ms = self._at_ms
            for headers, value in self._broken:
                await self._sent(producer, headers, value, at_ms)
                at_ms += 1
            for number, record in enumerate(self._records):
                while number >= self._until:  # noqa: ASYNC110 - the test lets go from outside
                    await asyncio.sleep(0.02)
                await self._sent(producer, record.headers, record.value, at_ms + number)
            for record in self._records[::7]:
                await self._sent(producer, record.headers, record.value, at_ms + len(self._records))

    async def _sent(self, producer: AIOKafkaProducer, headers: dict[str, bytes], value: bytes, at_ms: int) -> None:
        await producer.send_and_wait(self._topic, value, timestamp_ms=at_ms, headers=list(headers.items()))
