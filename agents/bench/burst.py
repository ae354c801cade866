"""Events into Kafka all at once: batches are built and compressed beforehand, so that sending costs next to nothing.

A load made while the pipeline runs would compete with it for cores; a load that lies there before the workers
start would mix their rebalances into the measurement.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from agents.ingest.kafka import BATCH_BYTES
from agents.ingest.partitioner import partition_of

SLICE: Final = 5_000
Progress = Callable[[int], None]


class Burst:
    """Record batches by partition, ready to be sent on the connection of `producer`."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self._producer, self._topic, self._partitions = producer, topic, partitions
        self._batches: dict[int, list[Any]] = defaultdict(list)
        self.events = 0

    def add(self, records: Iterable[tuple[bytes, bytes]], progress: Progress = lambda _: None) -> None:
        """Build the batches of these keys and values; `progress` hears of every few thousand."""
        open_batches: dict[int, Any] = {}
        for key, value in records:
            partition = partition_of(key, self._partitions)
            batch = open_batches.get(partition)
            if batch is None or batch.append(timestamp=None, key=key, value=value) is None:
                batch = open_batches[partition] = self._producer.create_batch()
                self._batches[partition].append(batch)
                batch.append(timestamp=None, key=key, value=value)
            self.events += 1
            if not self.events % SLICE:
                progress(self.events)
        for batches in self._batches.values():
            for batch in batches:
                batch._build()  # noqa: SLF001 - compresses now; the sender would do it while time is taken

    async def send(self) -> None:
        """Send everything, partitions side by side, and return when Kafka has acknowledged it."""
        await asyncio.gather(*(self._send(partition) for partition in self._batches))
        self._batches.clear()

    async def _send(self, partition: int) -> None:
        batches = self._batches[partition]
        sent = [await self._producer.send_batch(batch, self._topic, partition=partition) for batch in batches]
        await asyncio.gather(*sent)


def burst_producer(bootstrap: str) -> AIOKafkaProducer:
    """Return a producer, not yet started, that takes batches which are already compressed.

    Not idempotent: sequence numbers would have to be written into finished batches. Repeats have equal ids.
    """
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="renown-bench",
        acks="all",
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
    )
