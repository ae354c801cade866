"""A recovery that Faust ended early is completed from the log, or ends the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from schemas.errors import BrokenGuaranteeError
from streams.engine.chunk import Chunk
from streams.engine.metrics import NoMetrics
from streams.engine.partition import Partition
from streams.engine.store import SlabStore

TP: Any = ("log", 0)


class Engine:
    """Serves a changelog that ends at offset `end` - 1, and notes failures."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.changelog_topic = "log"
        self.metrics = NoMetrics()
        self.consumer = SimpleNamespace(earliest={}, adopt=lambda: None)
        self.failure: BaseException | None = None
        self.asked: list[tuple[int, int]] = []

    def fail(self, error: BaseException) -> None:
        """Note the failure."""
        self.failure = error

    async def read_changelog(self, _: int, first: int, end: int) -> AsyncIterator[Chunk]:
        """Yield one empty chunk up to where the log ends."""
        self.asked.append((first, end))
        yield piece(first, min(end, self.end) - 1)


def piece(first: int, last: int) -> Chunk:
    return Chunk("log", 0, first, last, b"", np.zeros((8, 0), np.int64))


def store_on(engine: Engine, position: int) -> tuple[Any, Partition]:
    made: Any = object.__new__(SlabStore)
    partition = Partition(0, bytes(16))
    partition.active, partition.position = True, position
    made.engine, made.partitions = engine, {0: partition}
    made.app = SimpleNamespace(tables=SimpleNamespace(recovery=SimpleNamespace(active_highwaters={})))
    return made, partition


@pytest.mark.parametrize("position", [-1, 199, 802])
async def test_what_faust_dropped_is_read_from_the_log(position: int) -> None:
    """A rebalance in the middle of a recovery drops fetched records; users in them would restart from zero."""
    engine = Engine(803)
    store, partition = store_on(engine, position)
    await store._open(0, 802)
    assert partition.position == 802
    assert partition.recovered
    assert engine.asked == ([] if position == 802 else [(position + 1, 803)])


async def test_an_incomplete_partition_never_opens() -> None:
    """Counting on from a state with a hole is the one thing that must not happen."""
    store, partition = store_on(Engine(500), 199)
    with pytest.raises(BrokenGuaranteeError, match="ended at 499, log goes to 802"):
        await store._open(0, 802)
    assert not partition.recovered


async def test_a_partition_lost_meanwhile_is_left_alone() -> None:
    """A newer rebalance took it away; its own recovery follows."""
    store, partition = store_on(Engine(803), -1)
    partition.active = False
    await store._open(0, 802)
    assert not partition.recovered
    store.partitions.clear()
    await store._open(0, 802)


def test_records_that_continue_nothing_are_passed_over() -> None:
    """Leftovers of an earlier generation would hide the records before them."""
    store, partition = store_on(Engine(803), 199)
    store._apply(TP, piece(400, 599))
    assert partition.position == 199
    store._apply(TP, piece(150, 399))
    assert partition.position == 399
    store._apply(TP, piece(0, 100))
    assert partition.position == 399


def test_a_log_that_begins_late_is_read_from_where_it_begins() -> None:
    """Retention may have cut its head."""
    store, partition = store_on(Engine(803), -1)
    tp: Any = ("log", 0)
    store.engine.consumer.earliest[tp] = 300
    store._apply(tp, piece(300, 399))
    assert partition.position == 399
