"""Dead letters read back, each refused record once, and tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents import sources
from agents.ingest.formats import activitystreams, gharchive
from agents.ingest.formats.lines import Line
from agents.ingest.kafka import away
from agents.ingest.live.contract import Forgetful
from agents.ingest.outcomes import Outcome, Ready, Refused
from schemas.codec import decode_engagement
from schemas.dead_letter import DeadLetter, dead_letter
from schemas.errors import BadRecordError
from streams.security import refusal

POLL_MS = 500
_READERS = {"gharchive": gharchive.line_outcomes, "activitystreams": activitystreams.line_outcomes}


class Filed(NamedTuple):
    """A letter and its number: its offset in the dead-letter topic."""

    number: int
    letter: DeadLetter


async def filed_letters(bootstrap: str, topic: str, **security: Any) -> AsyncIterator[Filed]:
    """Yield the letters written so far, oldest first; KafkaAwayError when Kafka cannot be read.

    Of letters about the same (topic, partition, offset) only the first is yielded: a worker that dies between
    sending and committing writes them twice. Files of one name may hold other lines, so the value counts as
    well. Records that are no letters are left out.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", **security
    )
    seen: set[tuple[str, int, int, bytes]] = set()
    try:
        await consumer.start()
        async for number, value, headers in _records(consumer, TopicPartition(topic, 0)):
            try:
                letter = dead_letter(value, headers)
            except (KeyError, ValueError):
                continue
            place = (letter.topic, letter.partition, letter.offset, letter.value)
            if place not in seen:
                seen.add(place)
                yield Filed(number, letter)
    except (KafkaError, OSError) as error:
        if (refused := await refusal(bootstrap, security)) is not None:
            raise refused from error
        raise away(bootstrap, error) from error
    finally:
        await consumer.stop()


async def _records(
    consumer: AIOKafkaConsumer, place: TopicPartition
) -> AsyncIterator[tuple[int, bytes, list[tuple[str, bytes]]]]:
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    end = (await consumer.end_offsets([place]))[place]
    while await consumer.position(place) < end:
        for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
            if record.offset < end:
                yield record.offset, record.value or b"", list(record.headers)


def tried_again(letter: DeadLetter) -> list[Outcome]:
    """Return what becomes of the letter's original bytes under today's code, read as its source wrote them."""
    if letter.source in _READERS:
        return _READERS[letter.source](Line(letter.offset, letter.value))
    if letter.source in sources.names():
        return list(sources.source_class(letter.source)().read(letter.value, Forgetful()).outcomes)
    try:
        return [Ready(decode_engagement(letter.value), letter.value)]
    except BadRecordError as error:
        return [Refused(error, letter.offset, letter.value)]
