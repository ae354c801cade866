"""Asks for somebody's departure or return, and sees it done: on every partition, in Redis, in what is on its way."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.admin.records_to_delete import RecordsToDelete

from agents.calibration_feed import read_calibration
from agents.rights.kafka_check import require_rights
from agents.waiting import Waiting
from schemas.access import Role
from schemas.command import Command, encode_command, subject_of
from schemas.errors import RenownError
from schemas.identifiers import user_id
from streams.clock import wall_ms
from streams.engine.hashing import hash_id
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings

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


def _late(what: str) -> NotYetObeyedError:
    remedy = "the command stands and is obeyed as soon as workers and the scoring agent run (`renown status`)"
    return NotYetObeyedError(f"{what}; {remedy}")


async def _obeyed(wait: Waiting, offset: int) -> None:
    """Wait until every partition has obeyed the command at `offset`; at once where nothing was ever sent."""
    if not any((await wait.ends(wait.settings.topics.engagements.name)).values()):
        return
    while True:
        reports, _ = await read_calibration(wait.settings)
        done = sum(report.commands > offset for report in reports.values())
        if done >= wait.settings.partitions:
            return
        await wait.pause(f"{wait.settings.partitions - done} partitions have not obeyed yet")


async def _clear(wait: Waiting) -> None:
    """Delete the credits that every partition has applied: they name targets."""
    topics = wait.settings.topics
    have = await wait.offsets(topics.app_id, await wait.ends(topics.credits.name))
    await wait.admin.delete_records({place: RecordsToDelete(at) for place, at in have.items() if at > 0})


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
    return await append(settings, Command(str(uuid.uuid4()), name, subject, wall_ms(), by))


async def see(
    settings: Settings,
    offset: int,
    timeout_s: float,
    tell: Callable[[str], None] = lambda _: None,
    *,
    clears: bool = True,
    joins: bool = False,
) -> None:
    """Come back once the command at `offset` and all before it are obeyed everywhere.

    With `joins` also once what accounts had received is the person's; with `clears` once Redis follows, and credits
    that name who left are deleted. Raises NotYetObeyedError when time is over.
    """
    wait, topics = Waiting(settings, timeout_s, tell, _late), settings.topics
    async with wait.connected():
        await _obeyed(wait, offset)
        if joins:
            await wait.committed(topics.app_id, await wait.ends(topics.credits.name), "records to be joined")
        if clears:
            # With all scores that were sent, Redis has the tombstones too.
            await wait.committed(
                topics.scoring_group, await wait.ends(topics.scores.name), "scores are not in Redis yet"
            )
            await _clear(wait)


async def append(settings: Settings, command: Command) -> int:
    """Append the command and return its offset."""
    async with producing(settings) as producer:
        topic = settings.topics.commands.name
        sent = await producer.send_and_wait(topic, encode_command(command), command.subject.encode(), partition=0)
        offset: int = sent.offset
        return offset


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer whose records are on all replicas once they are acknowledged."""
    limit_ms = int(PUBLISH_S * 1000)
    producer = AIOKafkaProducer(
        **kafka_client(settings), acks="all", enable_idempotence=True, request_timeout_ms=limit_ms
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
