"""A producer in the background: idempotent, steady, patient with a broker that is away, and it counts what was kept."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer

from agents.faults.records import Record, Records
from agents.rig.pipeline import RigError

TICK_S: Final = 0.02
FLUSH_LIMIT_S: Final = 180.0
SETTINGS: Final = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "message.timeout.ms": 600_000,
    "message.max.bytes": 8_000_000,
    "partitioner": "murmur2_random",
    "log_level": 0,
}


class Source(threading.Thread):
    """Sends `records` at `rate` a second until told to finish; `acts` are the distinct acts that Kafka keeps."""

    def __init__(self, bootstrap: str, topic: str, records: Records, rate: float, seed: int) -> None:
        super().__init__(name="source", daemon=True)
        self.rate, self.seed = rate, seed
        self.acts: set[tuple[str, str]] = set()
        self._servers, self._topic, self._records = bootstrap, topic, records
        self._done = threading.Event()
        self._refused: list[str] = []
        self._lock, self._extra = threading.Lock(), 0
        self._producer = Producer({"bootstrap.servers": bootstrap, **SETTINGS})

    def successor(self) -> Source:
        """Return a source that goes on where this one has come to rest."""
        made = Source(self._servers, self._topic, self._records, self.rate, self.seed)
        made.acts = self.acts
        return made

    def run(self) -> None:
        """Keep to the timetable; after a pause what was missed is sent at once."""
        before, due = time.monotonic(), 0.0
        while not self._done.is_set():
            now = time.monotonic()
            due += (now - before) * self.rate + self._take_extra()
            before = now
            while due >= 1:
                self.send(next(self._records))
                due -= 1
            self._producer.poll(TICK_S)

    def burst(self, count: int) -> None:
        """Send so many at once beside the timetable."""
        with self._lock:
            self._extra += count

    def _take_extra(self) -> int:
        with self._lock:
            extra, self._extra = self._extra, 0
        return extra

    def send(self, record: Record) -> None:
        """Hand over one record; one whose key is None is spread over the partitions."""

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._refused.append(str(error))
            elif record.act is not None:
                self.acts.add(record.act)

        while True:
            try:
                headers: Any = list(record.headers)
                self._producer.produce(self._topic, record.value, record.key, headers=headers, on_delivery=delivered)
            except BufferError:
                self._producer.poll(TICK_S)
            else:
                return

    def rest(self) -> None:
        """Stop sending and return when Kafka has acknowledged everything; RigError when it does not."""
        self._done.set()
        if self.is_alive():
            self.join()
        left = self._producer.flush(FLUSH_LIMIT_S)
        if left or self._refused:
            raise RigError(f"the source could not send {left + len(self._refused)} records: {self._refused[:3]}")
