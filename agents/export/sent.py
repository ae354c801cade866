"""Raw input that names a user: engagements by or about the user, and dead letters with the id in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.ingest.letters import filed_letters
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError
from schemas.instants import rfc3339
from schemas.kinds import KINDS
from streams.engine.log_reader import read_log
from streams.security import kafka_client, kafka_security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.engagement import Act
    from streams.engine.chunk import Chunk
    from streams.settings import Settings

_ESCAPE = b"\\"
"""JSON may spell any letter of an id in another way; then only decoding tells."""


async def engagements(settings: Settings, user: bytes, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return every engagement by or about `user` that the topic still holds, partition by partition."""
    topic, found = settings.topics.engagements.name, list[dict[str, Any]]()
    ends = await _ends(settings, topic)
    total, done = sum(ends.values()), 0
    for number, end in sorted(ends.items()):
        async for chunk in read_log(settings.bootstrap, topic, number, 0, end, **kafka_security(settings)):
            found += _naming(chunk, user)
            done += len(chunk)
            tell(f"engagements: {done:,} of at most {total:,}")
    return found


async def refused(settings: Settings, user: bytes) -> list[dict[str, Any]]:
    """Return the dead letters whose bytes contain the id."""
    topic = settings.topics.dead_letters.name
    return [
        {
            "number": filed.number,
            "reason": filed.letter.reason.value,
            "value": filed.letter.value.decode("utf-8", "replace"),
        }
        async for filed in filed_letters(settings.bootstrap, topic, **kafka_security(settings))
        if user in filed.letter.value
    ]


async def _ends(settings: Settings, topic: str) -> dict[int, int]:
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        found = await consumer.end_offsets([TopicPartition(topic, number) for number in range(settings.partitions)])
        return {place.partition: end for place, end in found.items()}
    finally:
        await consumer.stop()


def _naming(chunk: Chunk, user: bytes) -> Iterator[dict[str, Any]]:
    if user not in chunk.buf and _ESCAPE not in chunk.buf:
        return
    for place, value in enumerate(chunk.values):
        if value and (user in value or _ESCAPE in value):
            try:
                act = decode_engagement(value)
            except BadRecordError:
                continue
            if user in {act.actor, act.target}:
                yield _document(chunk, place, act)


def _document(chunk: Chunk, place: int, act: Act) -> dict[str, Any]:
    return {
        "partition": chunk.partition,
        "offset": int(chunk.offsets[place]),
        "appended_at": rfc3339(int(chunk.timestamps_ms[place])),
        "id": act.id.decode(),
        "kind": KINDS[act.kind],
        "actor": act.actor.decode(),
        "target": act.target.decode(),
        "occurred_at": rfc3339(act.occurred_at_ms),
        "object": act.object.decode(),
        "undo": act.undo,
    }
