"""The places where an engagement left its mark, in the order of the pipeline."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.ingest.letters import filed_letters
from agents.ingest.partitioner import partition_of
from agents.lookup.reader import Reader, connected
from agents.operations.trace.log import records
from agents.redis_connection import redis_login
from schemas.codec import decode_engagement
from schemas.credit import Credits, decode_credits
from schemas.errors import BadRecordError
from schemas.redis_keys import RedisKeys
from schemas.score import decode_pointer, decode_score
from streams.security import kafka_security

if TYPE_CHECKING:
    from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Mark:
    """One place: what happened, where (topic/partition@offset), when in epoch ms, and what can be told of it."""

    step: str
    place: str
    at_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An engagement record with the id that is looked for."""

    partition: int
    offset: int
    at_ms: int
    target: bytes


async def follow(settings: Settings, event_id: str, since_ms: int) -> list[Mark]:
    """Return the marks of an act appended since `since_ms`, none when there is none; Kafka's and Redis' errors."""
    topic, marks = settings.topics.engagements.name, list[Mark]()
    sent = await _sent(settings, unicodedata.normalize("NFC", event_id).encode("utf-8", "surrogateescape"), since_ms)
    for each in sent:
        marks.append(
            Mark("sent", f"{topic}/{each.partition}@{each.offset}", each.at_ms, f"towards {each.target.decode()}")
        )
        marks += await _refused(settings, each)
        marks += await _credited(settings, each)
    return marks


async def _sent(settings: Settings, event_id: bytes, since_ms: int) -> list[Sent]:
    found = []
    topic = settings.topics.engagements.name
    async for record in records(settings, topic, range(settings.partitions), since_ms):
        try:
            act = decode_engagement(record.value or b"")
        except BadRecordError:
            continue  # a record without a valid act has no id to be followed by; `renown dlq list` shows it
        if act.id == event_id:
            found.append(Sent(record.partition, record.offset, record.timestamp, act.target))
    return found


async def _refused(settings: Settings, sent: Sent) -> list[Mark]:
    topics, found = settings.topics, list[Mark]()
    letters = filed_letters(settings.bootstrap, topics.dead_letters.name, **kafka_security(settings))
    async for number, letter in letters:
        if (letter.topic, letter.partition, letter.offset) == (topics.engagements.name, sent.partition, sent.offset):
            place = f"{topics.dead_letters.name}/0@{number}"
            found.append(Mark("refused", place, letter.at_ms, f"{letter.reason}: {letter.detail}"))
    return found


async def _credited(settings: Settings, sent: Sent) -> list[Mark]:
    """Return the mark of the credit, and those that follow from it; none for a repeat, or before it is weighed."""
    topic, partition = settings.topics.credits.name, partition_of(sent.target, settings.partitions)
    async for record in records(settings, topic, [partition], sent.at_ms):
        mass = _mass(decode_credits(record.value), sent)
        if mass is not None:
            credited = Mark("weighed", f"{topic}/{partition}@{record.offset}", record.timestamp, f"mass {mass:.3g}")
            return [credited, *await _scored(settings, sent, record.timestamp)]
    return []


def _mass(granted: Credits, sent: Sent) -> float | None:
    """Return what the engagement grants in this record, None when it is not in it."""
    if granted.source != sent.partition:
        return None
    mine = granted.events[granted.first + granted.events["offset_delta"].astype("i8") == sent.offset]
    return float(mine["mass"][0]) if len(mine) else None


async def _scored(settings: Settings, sent: Sent, since_ms: int) -> list[Mark]:
    topic, partition = settings.topics.scores.name, partition_of(sent.target, settings.partitions)
    async for record in records(settings, topic, [partition], since_ms):
        if record.key == sent.target and record.value and decode_pointer(record.value) is None:
            score = decode_score(record.value)
            place = f"{topic}/{partition}@{record.offset}"
            scored = Mark("scored", place, record.timestamp, f"score {score.score}, version {score.version}")
            return [scored, *await _readable(settings, score.user, score.version)]
    return []


async def _readable(settings: Settings, user: str, version: int) -> list[Mark]:
    redis, keys = connected(settings.redis_url, **redis_login(settings)), RedisKeys(settings.redis_prefix)
    try:
        (stored,) = await Reader(redis, keys).scores([user])
    finally:
        await redis.aclose()
    if stored is None or stored.version < version:
        return []
    return [Mark("readable", keys.user(user), stored.as_of, f"score {stored.score}, version {stored.version}")]
