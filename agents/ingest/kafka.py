"""Producers as Renown starts them: idempotent, acknowledged by all replicas, patient or not as the caller says."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.errors import RenownError
from streams.security import refusal

BATCH_BYTES = 256 * 1024
LINGER_MS = 5
REQUEST_TIMEOUT_MS = 30_000
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 2.0
STOP_LIMIT_S = 5.0


class KafkaAwayError(RenownError):
    """No broker answered, or the topic is not there; says what to do."""


async def connected_producer(bootstrap: str, wait_s: float = 0.0, **security: Any) -> AIOKafkaProducer:
    """Return a started producer; try again with growing pauses for `wait_s`, then raise KafkaAwayError.

    BadSettingError at once when the broker refuses us.
    """
    deadline, pause = time.monotonic() + wait_s, FIRST_WAIT_S
    while True:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            client_id="renown-ingest",
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            linger_ms=LINGER_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            **security,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await stopped(producer)
            if (refused := await refusal(bootstrap, security)) is not None:
                raise refused from error
            left = deadline - time.monotonic()
            if left <= 0:
                raise away(bootstrap, error) from error
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_WAIT_S)
        else:
            return producer


def away(bootstrap: str, error: BaseException) -> KafkaAwayError:
    """Return the error that tells people that Kafka cannot be reached."""
    what = str(error).removeprefix("KafkaConnectionError: ") or type(error).__name__
    return KafkaAwayError(f"Kafka at {bootstrap} is not reachable ({what[:120]}); start it with `renown up`")


async def stopped(producer: AIOKafkaProducer, limit_s: float = STOP_LIMIT_S) -> None:
    """Stop the producer; give up on what is still unacknowledged after `limit_s` (its sender would try for ever)."""
    with contextlib.suppress(KafkaError, asyncio.TimeoutError):
        await asyncio.wait_for(producer.stop(), limit_s)
        return
    await producer.client.close()


async def partition_count(producer: AIOKafkaProducer, topic: str) -> int:
    """Return how many partitions `topic` has; raise KafkaAwayError when it does not exist."""
    cluster = await producer.client.fetch_all_metadata()
    partitions = cluster.partitions_for_topic(topic)
    if not partitions:
        raise KafkaAwayError(f"topic {topic} does not exist; create it with `renown up` or `renown topics apply`")
    return len(partitions)
