"""Deleting who asked for it: on every partition, durably, and again after a crash."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.command import Command, encode_command, subject_of
from streams.engine.hashing import hash_id
from streams.engine.partition import Partition
from streams.engine.snapshot import take
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.stages.departure import Departure
from streams.stages.forward import Forwarder
from streams.stages.linking import Linking
from streams.stages.obeyed import COMMANDS, obeyed
from streams.stages.pending import pending_of
from streams.stages.suppression import Suppression

KEY = bytes(16)
ANN = hash_id(b"x:ann", KEY)


class Worker:
    """A departure with two partitions: ann lives in the first and is known to bob in the second."""

    def __init__(self) -> None:
        self.partitions = [Partition(number, KEY) for number in (0, 1)]
        for partition, user in zip(self.partitions, (b"x:ann", b"x:bob"), strict=True):
            partition.active = True
            partition.slots([user])
            partition.state.rows["given_last"][0] = 1
            pending_of(partition).mark(np.zeros(1, np.int64))
        self.partitions[1].state.pairs.find_or_add(np.zeros(1, np.int64), np.array([ANN], np.uint64))
        self.said, self.log, self.barriers = Suppression(), [], 0  # type: ignore[var-annotated]
        self.metrics = Metrics()
        forwarder = Forwarder(lambda: self, "credits", len(self.partitions))  # type: ignore[arg-type, return-value]
        linking = Linking(
            "scores", self.said, forwarder, len(self.partitions), lambda: self, self.durable, Parameters()
        )  # type: ignore[arg-type, return-value]
        self.departure = Departure("scores", self.said, lambda: self, self.durable, self.metrics, linking)  # type: ignore[arg-type, return-value]

    async def append_open(self, topic: str, partition: int, records: list[Any], *, lane: str) -> int:
        """Note what goes out."""
        assert (topic, lane) == ("scores", "scores")
        self.log.append((partition, [(key, value) for key, value, _ in records]))
        return 0

    async def durable(self) -> None:
        """Be the barrier."""
        assert all(obeyed(each) < self.said.following for each in self.partitions), "said before it was durable"
        self.barriers += 1
        for partition in self.partitions:
            take(partition)

    def told(self, command: str) -> None:
        """Have a command about ann arrive."""
        value = encode_command(Command("1", command, subject_of(ANN), 0, "test"))  # type: ignore[arg-type]
        self.said.take(self.said.following, 1, value)


async def test_who_leaves_is_gone_from_every_partition() -> None:
    worker = Worker()
    worker.told("opt_out")
    await worker.departure.obey(worker.partitions)
    first, second = worker.partitions
    assert worker.log == [(0, [(b"x:ann", None)])]
    assert b"ann" not in first.index.arena.tobytes()
    assert len(second.state.pairs) == 0
    assert second.index.find(b"x:bob") == 0
    assert pending_of(first).waits.sum() == 0
    assert pending_of(second).waits.sum() == 1
    assert [obeyed(partition) for partition in worker.partitions] == [1, 1]
    assert [partition.meta[COMMANDS] for partition in worker.partitions] == [(1).to_bytes(8, "little")] * 2
    assert worker.metrics.departed._value.get() == 1


async def test_without_a_new_command_nothing_is_done() -> None:
    worker = Worker()
    await worker.departure.obey(worker.partitions)
    assert (worker.log, worker.barriers) == ([], 0)
    worker.told("opt_out")
    await worker.departure.obey(worker.partitions)
    await worker.departure.obey(worker.partitions)
    assert (len(worker.log), worker.barriers) == (1, 1)


async def test_a_partition_that_died_before_it_was_durable_deletes_again() -> None:
    """Its successor has the old state and the command."""
    worker = Worker()
    worker.told("forget")
    await worker.departure.obey(worker.partitions)
    worker.partitions = Worker().partitions
    await worker.departure.obey(worker.partitions)
    assert len(worker.log) == 2
    assert worker.partitions[0].index.find(b"x:ann") == -1


async def test_a_command_already_obeyed_spares_who_came_back() -> None:
    """After opting in, a restart must not delete what has been earned since."""
    worker = Worker()
    worker.told("opt_out")
    await worker.departure.obey(worker.partitions)
    worker.told("opt_in")
    await worker.departure.obey(worker.partitions)
    worker.partitions[0].slots([b"x:ann"])
    worker.partitions[0].extra.clear()
    await worker.departure.obey(worker.partitions)
    assert worker.partitions[0].index.find(b"x:ann") == 1
    assert len(worker.log) == 1
