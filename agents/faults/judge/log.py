"""Topics read from beginning to end with a plain Kafka client, outside of every group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.faults.judge.deployment import Deployment

TIMEOUT_S: Final = 30.0
_BATCH: Final = 5_000
_POLL_S: Final = 0.05
"""The client waits for so long for a batch to be full, at the end of a topic too."""
_FETCH_BYTES: Final = 32 * 1024 * 1024


def client(deployment: Deployment, group: str = "renown-judge") -> Consumer:
    """Return a consumer that commits nothing; with a real group it only asks for what that has committed."""
    return Consumer(
        {
            "bootstrap.servers": deployment.bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.message.max.bytes": _FETCH_BYTES,
            "receive.message.max.bytes": 8 * _FETCH_BYTES,
            **deployment.kafka_settings,
        }
    )


def bounds(consumer: Consumer, topic: str, partitions: int) -> dict[int, tuple[int, int]]:
    """Return first and end offset of every partition."""
    places = (TopicPartition(topic, number) for number in range(partitions))
    return {place.partition: consumer.get_watermark_offsets(place, timeout=TIMEOUT_S) for place in places}


def records(deployment: Deployment, topic: str, partitions: int) -> Iterator[Any]:
    """Yield every message of a topic that is there now, in order within each partition.

    Raises KafkaException when the broker stays silent: part of a topic must not pass for the whole.
    """
    consumer = client(deployment)
    try:
        edges = bounds(consumer, topic, partitions)
        waiting = {number for number, (low, end) in edges.items() if low < end}
        consumer.assign([TopicPartition(topic, number, edges[number][0]) for number in sorted(waiting)])
        while waiting:
            for message in _batch(consumer, topic):
                number, end = message.partition(), edges[message.partition()][1]
                if message.error() is not None:
                    _require_end(message.error())
                    waiting.discard(number)
                elif message.offset() < end:
                    yield message
                    if message.offset() == end - 1:
                        waiting.discard(number)
    finally:
        consumer.close()


def _batch(consumer: Consumer, topic: str) -> list[Any]:
    """Return what comes next; raise KafkaException when nothing does for TIMEOUT_S."""
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        batch: list[Any] = consumer.consume(_BATCH, timeout=_POLL_S)
        if batch:
            return batch
    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{topic}: silent before its end"))  # noqa: SLF001


def _require_end(error: Any) -> None:
    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client names its own codes so
        raise KafkaException(error)


def lags(deployment: Deployment) -> Iterator[tuple[str, int]]:
    """Yield what each group has yet to commit: a name of the place, and how many records."""
    for group, topic in deployment.commitments:
        consumer = client(deployment, group)
        try:
            edges = bounds(consumer, topic, deployment.partitions)
            asked = [TopicPartition(topic, number) for number in edges]
            for place in consumer.committed(asked, timeout=TIMEOUT_S):
                first, end = edges[place.partition]
                yield f"{group} on {topic}-{place.partition}", end - max(place.offset, first, 0)
        finally:
            consumer.close()
