"""Delays as the scores topic tells them: from the append of an engagement to the making of its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.score import decode_score
from streams.security import kafka_client
from streams.settings import Settings

READ_MS: Final = 500


@dataclass(frozen=True, slots=True)
class Emitted:
    """Delays in milliseconds of the scores that engagements caused: of all, and of those not held back.

    A score is held back when its user's last one was not yet one emission interval old at the append.
    """

    all_ms: list[float]
    free_ms: list[float]


async def emitted(settings: Settings, since_ms: int, until_ms: int) -> Emitted:
    """Return the delays of the scores whose oldest engagement was appended within the given instants."""
    consumer = AIOKafkaConsumer(**kafka_client(settings), enable_auto_commit=False)
    await consumer.start()
    found, last, interval_ms = Emitted([], []), dict[str, int](), settings.emit_interval_s * 1000
    try:
        partitions = [TopicPartition(settings.topics.scores.name, p) for p in range(settings.partitions)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        left = {tp for tp, end in ends.items() if end}
        while left:
            for tp, records in (await consumer.getmany(*left, timeout_ms=READ_MS)).items():
                for record in records:
                    _take(found, last, record.value, since_ms, until_ms, interval_ms)
                if await consumer.position(tp) >= ends[tp]:
                    left.discard(tp)
    finally:
        await consumer.stop()
    return found


def _take(found: Emitted, last: dict[str, int], value: bytes, since_ms: int, until_ms: int, interval_ms: float) -> None:
    score = decode_score(value)
    before = last.get(score.user, 0)
    last[score.user] = score.emitted_at_ms
    if since_ms <= score.produced_at_ms < until_ms:
        delay = max(0, score.emitted_at_ms - score.produced_at_ms)
        found.all_ms.append(delay)
        if before + interval_ms <= score.produced_at_ms:
            found.free_ms.append(delay)
