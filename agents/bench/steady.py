"""A steady stream of engagements from a process of its own, so that it cannot hold up whoever measures."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any, Final

from agents.bench.errors import BenchError
from agents.bench.synthetic import user_names, value_of
from agents.ingest.kafka import connected_producer, stopped
from schemas.kinds import KINDS
from streams.clock import wall_ms

TICK_S: Final = 0.01
CONNECT_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Stream:
    """`rate` engagements a second to `targets` people in turn: each is hit once every targets / rate seconds."""

    bootstrap: str
    topic: str
    rate: int
    targets: int
    actors: int
    seed: int

    def records(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values for ever, each of the time when it is asked for."""
        actors, targets = user_names(self.actors, self.seed, "fan"), user_names(self.targets, self.seed, "star")
        kinds = [kind.encode() for kind in KINDS]
        for number in count():
            actor, target = actors[number * 7919 % self.actors], targets[number % self.targets]
            yield actor, value_of(number, kinds[number % len(kinds)], actor, target, wall_ms())


class Sending:
    """A stream that is being sent."""

    def __init__(self, process: BaseProcess, sent: Any, behind_s: Any) -> None:
        self._process, self._sent, self._behind_s = process, sent, behind_s

    @property
    def sent(self) -> int:
        """Return how many engagements Kafka has been handed so far."""
        return int(self._sent.value)

    @property
    def behind_s(self) -> float:
        """Return the most that the sender has been behind its timetable: much of it, and the rate was not steady."""
        return float(self._behind_s.value)

    def restart_timetable(self) -> None:
        """Forget how far behind the sender has been, as after warming up."""
        self._behind_s.value = 0.0

    def check(self) -> None:
        """Raise BenchError when the sender has ended by itself."""
        if not self._process.is_alive():
            raise BenchError(f"the sending process ended by itself ({self._process.exitcode})")


@contextmanager
def sending(stream: Stream) -> Iterator[Sending]:
    """Send `stream` until the block is left."""
    context = multiprocessing.get_context("spawn")
    sent, behind_s, stop = context.Value("q", 0), context.Value("d", 0.0), context.Event()
    process = context.Process(target=_send, args=(stream, sent, behind_s, stop), daemon=True)
    process.start()
    try:
        yield Sending(process, sent, behind_s)
    finally:
        stop.set()
        process.join(STOP_LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()


def _send(stream: Stream, sent: Any, behind_s: Any, stop: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is our parent's to handle
    asyncio.run(_keep_sending(stream, sent, behind_s, stop))


async def _keep_sending(stream: Stream, sent: Any, behind_s: Any, stop: Event) -> None:
    """Send what is due every ten milliseconds; what was missed is made up for at once."""
    producer = await connected_producer(stream.bootstrap, CONNECT_LIMIT_S)
    records, started, done = stream.records(), time.monotonic(), 0
    try:
        while not stop.is_set():
            due = int((time.monotonic() - started) * stream.rate)
            behind_s.value = max(behind_s.value, (due - done) / stream.rate - TICK_S)
            for key, value in islice(records, due - done):
                await producer.send(stream.topic, value, key)
            sent.value = done = max(done, due)
            await asyncio.sleep(max(0.0, started + (done / stream.rate) + TICK_S - time.monotonic()))
        await producer.flush()
    finally:
        await stopped(producer)
