"""Asks for somebody's departure or return, and sees it done: on every partition, in Redis, in what is on its way."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from agents.calibration_feed import read_calibration
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.command import Command, encode_command, subject_of
from schemas.errors import RenownError
from schemas.identifiers import user_id
from streams.clock import wall_ms
from streams.engine.hashing import hash_id
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings

POLL_S = 0.2
PUBLISH_S = 10.0
"""How long Kafka may take over a command; who asks is told, and asks again."""
Name = Literal["opt_out", "opt_in", "forget"]


class NotYetObeyedError(RenownError):
    """Time was over before the command was obeyed everywhere; it stands all the same."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was obeyed everywhere: its place in the commands topic, and how long that took."""

    offset: int
    seconds_s: float


class _Seeing:
    """One command on its way: clients, deadline, and what it tells the caller."""

    def __init__(self, settings: Settings, timeout_s: float, tell: Callable[[str], None]) -> None:
        self.settings, self.timeout_s, self.tell = settings, timeout_s, tell
        self.started = time.monotonic()
        self.consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
        self.admin = AIOKafkaAdminClient(**kafka_client(settings))

    async def ends(self, topic: str) -> dict[TopicPartition, int]:
        """Return the end offset of every partition."""
        places = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
        found: dict[TopicPartition, int] = await self.consumer.end_offsets(places)
        return found

    async def obeyed(self, offset: int) -> None:
        """Wait until every partition has obeyed the command at `offset`; at once where nothing was ever sent."""
        if not any((await self.ends(self.settings.topics.engagements.name)).values()):
            return
        while True:
            reports, _ = await read_calibration(self.settings)
            done = sum(report.commands > offset for report in reports.values())
            if done >= self.settings.partitions:
                return
            await self._pause(f"{self.settings.partitions - done} partitions have not obeyed yet")

    async def read(self) -> None:
        """Wait until Redis has all scores that were sent, and so the tombstones too."""
        ends = await self.ends(self.settings.topics.scores.name)
        while True:
            have = await self._committed(self.settings.topics.scoring_group, list(ends))
            left = sum(max(0, end - have.get(place, 0)) for place, end in ends.items())
            if not left:
                return
            await self._pause(f"{left:,} scores are not in Redis yet")

    async def clear(self) -> None:
        """Delete the credits that every partition has applied: they name targets."""
        places = list(await self.ends(self.settings.topics.credits.name))
        have = await self._committed(self.settings.topics.app_id, places)
        await self.admin.delete_records({place: RecordsToDelete(at) for place, at in have.items() if at > 0})

    async def _committed(self, group: str, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        found = await self.admin.list_consumer_group_offsets(group, partitions=places)
        return {place: max(0, at.offset) for place, at in found.items()}

    async def _pause(self, what: str) -> None:
        if time.monotonic() - self.started > self.timeout_s:
            detail = (
                f"{what} after {self.timeout_s:g} s; the command stands and is obeyed as soon as workers and the "
                f"scoring agent run (`renown status`)"
            )
            raise NotYetObeyedError(detail)
        self.tell(what)
        await asyncio.sleep(POLL_S)


async def ask(
    settings: Settings,
    name: Name,
    user: str,
    by: str,
    timeout_s: float,
    tell: Callable[[str], None] = lambda _: None,
) -> Done:
    """Have `user` leave or return, and come back once that is so everywhere.

    Raises BadRecordError for what is no user id, NotYetObeyedError when time is over.
    """
    offset = await publish(settings, name, user, by)
    started = time.monotonic()
    await see(settings, offset, timeout_s, tell, clears=name != "opt_in")
    return Done(offset, time.monotonic() - started)


async def publish(settings: Settings, name: Name, user: str, by: str) -> int:
    """Append the command about `user` and return its offset: from here on it stands.

    Raises BadRecordError for what is no user id, BadSettingError when Kafka refuses us, a KafkaError when it is away.
    """
    subject = subject_of(hash_id(user_id(user, "user"), settings.hash_key.encode()))
    await require_rights(settings, Role.STEWARD)
    return await _published(settings, Command(str(uuid.uuid4()), name, subject, wall_ms(), by))


async def see(
    settings: Settings,
    offset: int,
    timeout_s: float,
    tell: Callable[[str], None] = lambda _: None,
    *,
    clears: bool = True,
) -> None:
    """Come back once the command at `offset` and all before it are obeyed everywhere.

    With `clears` also once Redis follows, and credits that name who left are deleted. Raises NotYetObeyedError when
    time is over.
    """
    seeing = _Seeing(settings, timeout_s, tell)
    try:
        await seeing.consumer.start()
        await seeing.admin.start()
        await seeing.obeyed(offset)
        if clears:
            await seeing.read()
            await seeing.clear()
    finally:
        await seeing.admin.close()
        await seeing.consumer.stop()


async def _published(settings: Settings, command: Command) -> int:
    """Append the command and return its offset."""
    limit_ms = int(PUBLISH_S * 1000)
    producer = AIOKafkaProducer(
        **kafka_client(settings), acks="all", enable_idempotence=True, request_timeout_ms=limit_ms
    )
    try:
        await producer.start()
        topic = settings.topics.commands.name
        sent = await producer.send_and_wait(topic, encode_command(command), command.subject.encode(), partition=0)
        offset: int = sent.offset
        return offset
    finally:
        await producer.stop()
