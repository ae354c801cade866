"""Links accounts to persons, unlinks them, and sees it done on every partition."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from agents.commands_feed import follow_on
from agents.departures import Done, append, producing, see
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.command import LINK, UNLINK, Command, Person, subject_of
from schemas.errors import RenownError
from schemas.identifiers import user_id
from schemas.transfer import introduction
from streams.clock import wall_ms
from streams.engine.hashing import hash_id
from streams.engine.partitioner import partition_of
from streams.stages.suppression import Suppression

if TYPE_CHECKING:
    from streams.settings import Settings

READ_S: Final = 10.0
"""How long Kafka may take to tell the links there are."""


class LinkRefusedError(RenownError):
    """What was asked for cannot be, as the links stand; says why and what to do."""


async def ask(
    settings: Settings,
    account: str,
    person: str | None,
    by: str,
    timeout_s: float,
    tell: Callable[[str], None] = lambda _: None,
) -> Done:
    """Have `account` be one of the person's, of nobody's for None, and come back once that is so everywhere.

    Raises BadRecordError for what is no user id, LinkRefusedError, NotYetObeyedError when time is over.
    """
    offset = await publish(settings, account, person, by)
    started = time.monotonic()
    await see(settings, offset, timeout_s, tell, joins=True)
    return Done(offset, time.monotonic() - started)


async def publish(settings: Settings, account: str, person: str | None, by: str) -> int:
    """Append the command and return its offset: from here on it stands.

    Raises as `ask` does, BadSettingError when Kafka refuses us, a KafkaError when it is away.
    """
    own, whose = user_id(account, "account"), None if person is None else user_id(person, "person")
    await require_rights(settings, Role.STEWARD)
    key, at_ms = settings.hash_key.encode(), wall_ms()
    subject = hash_id(own, key)
    if whose is None:
        return await append(settings, Command(str(uuid.uuid4()), UNLINK, subject_of(subject), at_ms, by))
    said = Suppression()
    async with asyncio.timeout(READ_S):
        await follow_on(settings, said)
    if (objection := said.links.objection(subject, hash_id(whose, key), said.is_out)) is not None:
        raise LinkRefusedError(f"{account} is not linked to {person}: {objection}")
    # Not before the newest command: what was forgotten by it is introduced anew.
    whom = await _introduced(settings, own, whose, max(at_ms, said.newest_at_ms + 1))
    return await append(settings, Command(str(uuid.uuid4()), LINK, subject_of(subject), at_ms, by, whom))


async def _introduced(settings: Settings, account: bytes, person: bytes, at_ms: int) -> Person:
    """Tell the partitions of both their names, which commands must not hold; return the person as a command does."""
    homes = [partition_of(name, settings.partitions) for name in (account, person)]
    record, topic, places = introduction(account, person, at_ms), settings.topics.credits.name, []
    async with producing(settings) as producer:
        for home in sorted(set(homes)):
            sent = await producer.send_and_wait(topic, record, partition=home)
            places.append((home, sent.offset))
    return Person(subject_of(hash_id(person, settings.hash_key.encode())), homes[1], tuple(places))
