"""CloudEvents 1.0 from a topic of the pipeline's own Kafka, in binary or structured mode (`agents.ingest.cloudevents`).

Events of type `renown.engagement.v1` hold an engagement as their data; events of other types are passed over. A first
start reads the topic from its beginning. The cursor names the next offset of each partition, `0:15,1:7`; what the
topic has dropped before it was read is told in the log.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from agents.ingest.cloudevents import from_kafka
from agents.ingest.live.contract import Broker, FeedError, Frame, Memory, Reading, option
from agents.ingest.outcomes import Ready, Refused
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.reasons import Reason
from streams.clock import wall_ms

POLL_MS: Final = 1_000
MOST_RECORDS: Final = 500
_PLACES: Final = re.compile(r"\d+:\d+(?:,\d+:\d+)*")
log = structlog.get_logger()


class _Head(msgspec.Struct, array_like=True, gc=False):
    """What leads a frame: the cursor after it, its instant, and the record's headers."""

    cursor: str
    at_ms: int
    headers: dict[str, str]


_HEAD: Final = msgspec.json.Decoder(_Head)


@dataclass(frozen=True)
class CloudEvents:
    """Engagements as CloudEvents, in binary or structured mode, from a topic of the pipeline's own Kafka."""

    topic: str = option("", "Topic to read.")
    broker: Broker | None = field(default=None, repr=False)

    @property
    def feed(self) -> str:
        """Return the topic: its offsets are the cursors."""
        return self.topic

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - one broker
        """Yield the records after the cursor, each led by the cursor after it, its instant and its headers."""
        after = _places(cursor)
        if self.broker is None or not self.topic:
            raise BadSettingError("--topic", self.topic, "name the topic that holds CloudEvents")
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.broker.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            **self.broker.security,
        )
        try:
            await consumer.start()
            async for record, now_ms in _records(consumer, self.topic, after):
                after[record.partition] = record.offset + 1
                yield Frame(_framed(record, after, now_ms))
        except KafkaError as error:
            raise FeedError(f"{self.topic}: {error!r:.150}") from error
        finally:
            await consumer.stop()

    def read(self, raw: bytes, memory: Memory) -> Reading:  # noqa: ARG002 - an undo says itself what it takes back
        """Return the engagement of one record, or why there is none."""
        lead, _, value = raw.partition(b"\n")
        try:
            head = _HEAD.decode(lead)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, f"no head: {error}"), 0, raw)])
        try:
            event = from_kafka({name: text.encode() for name, text in head.headers.items()}, value)
            outcomes = [Ready(decode_engagement(event.data), event.data)] if event.is_engagement else []
        except BadRecordError as error:
            return Reading([Refused(error, 0, raw)], head.cursor, head.at_ms)
        return Reading(outcomes, head.cursor, head.at_ms)


SOURCE = CloudEvents


def _places(cursor: str | None) -> dict[int, int]:
    if cursor is None:
        return {}
    if not _PLACES.fullmatch(cursor):
        raise BadSettingError("--cursor", cursor, "send the next offset of each partition, as 0:15,1:7")
    return {int(partition): int(offset) for partition, _, offset in (each.partition(":") for each in cursor.split(","))}


def _framed(record: ConsumerRecord, after: Mapping[int, int], now_ms: int) -> bytes:
    """Return the frame; its instant is never ahead of ours, which a producer's clock must not hold up."""
    headers = {name: value.decode("utf-8", "backslashreplace") for name, value in record.headers}
    cursor = ",".join(f"{partition}:{offset}" for partition, offset in sorted(after.items()))
    head = msgspec.json.encode(_Head(cursor, max(0, min(record.timestamp, now_ms)), headers))
    return head + b"\n" + (record.value or b"")


async def _records(
    consumer: AIOKafkaConsumer, topic: str, after: Mapping[int, int]
) -> AsyncGenerator[tuple[Any, int], None]:
    """Yield records with the time at which they were read; FeedError once the topic has got more partitions."""
    known = await _partitions(consumer, topic)
    places = [TopicPartition(topic, number) for number in sorted(known)]
    consumer.assign(places)
    first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    for place in places:
        consumer.seek(place, _begin(place, after.get(place.partition, first[place]), first[place], end[place]))
    while True:
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
        now_ms = wall_ms()
        for records in found.values():
            for record in records:
                yield record, now_ms
        if (consumer.partitions_for_topic(topic) or known) != known:
            raise FeedError(f"{topic} has got more partitions")


def _begin(place: TopicPartition, wanted: int, first: int, end: int) -> int:
    """Return where to begin: at `wanted`, or at the first record where that is no longer, or not yet, there."""
    if first <= wanted <= end:
        return wanted
    lost = max(0, first - wanted)
    log.warning("gap", topic=place.topic, partition=place.partition, lost_records=lost, made_anew=wanted > end)
    return first


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - a consumer knows no topic that it is not subscribed to
    found: set[int] | None = cluster.partitions_for_topic(topic)
    if not found:
        raise FeedError(f"topic {shown(topic)} does not exist; create it, or correct --topic")
    return found
