"""The consumer commits in order of delivery, hands out no stale chunk and no chunk after a hole."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faust.transport.drivers import aiokafka as driver

from schemas.errors import BrokenGuaranteeError
from streams.engine.chunk import Chunk
from streams.engine.transport import Consumer

TP = ("events", 0)


def consumer() -> Any:
    """Return a consumer with the bookkeeping of a started one, and no broker."""
    made: Any = object.__new__(Consumer)
    made._epoch, made.revoking, made._revocations, made._adopted = 1, False, 1, 1
    made._hold, made._fetching = False, asyncio.Lock()
    made._delivered, made._given, made._taken = defaultdict(deque), {}, {}
    made._acked, made._acked_index, made._gap = defaultdict(list), defaultdict(set), {}
    made._paused_partitions, made._buffered_partitions, made._active_partitions = set(), set(), set()
    made.app = SimpleNamespace(topics=SimpleNamespace(acks_enabled_for=lambda _: True))
    return made


def deliver(made: Any, last: int) -> Chunk:
    chunk = Chunk("events", 0, last - 9, last, b"", np.zeros((8, 0), np.int64))
    chunk.epoch, chunk.previous = made._epoch, made._given.get(TP)
    made._given[TP] = last
    made._delivered[TP].append(last)
    return chunk


def acknowledge(made: Any, last: int) -> None:
    made._acked[TP].append(last)
    made._acked_index[TP].add(last)


def test_a_commit_never_passes_a_chunk_that_is_not_acknowledged() -> None:
    """An offset committed too far is an event lost."""
    made = consumer()
    for last in (9, 19, 29):
        deliver(made, last)
    acknowledge(made, 19)
    assert made._new_offset(TP) is None
    acknowledge(made, 9)
    assert made._new_offset(TP) == 20
    assert made._new_offset(TP) is None
    acknowledge(made, 29)
    assert made._new_offset(TP) == 30


def test_chunks_are_taken_in_order_and_once() -> None:
    """A chunk behind a missing one must end the worker: going on would lose the missing one."""
    made = consumer()
    first, second, third = (deliver(made, last) for last in (9, 19, 29))
    assert made.take(TP, first)
    with pytest.raises(BrokenGuaranteeError, match="follows 19, but 9 was taken last"):
        made.take(TP, third)
    assert made.take(TP, second)
    with pytest.raises(BrokenGuaranteeError):
        made.take(TP, second)


def test_chunks_of_an_earlier_epoch_are_passed_over() -> None:
    """They were fetched before a seek and will be fetched again."""
    made = consumer()
    stale = deliver(made, 9)
    acknowledge(made, 9)
    made._new_epoch()
    assert not made.take(TP, stale)
    assert made._new_offset(TP) is None
    assert made.take(TP, deliver(made, 9))


def test_nothing_is_taken_while_partitions_are_let_go() -> None:
    """What changes after the last barrier before a revocation would be lost or doubled."""
    made = consumer()
    chunk = deliver(made, 9)
    made.revoking = True
    assert not made.take(TP, chunk)


def test_a_drained_buffer_does_not_wake_a_paused_partition() -> None:
    """Else it is fetched in the middle of recovery, and the rest of that fetch survives the seek back."""
    made = consumer()
    made._paused_partitions.add(TP)
    made._buffered_partitions.add(TP)
    made.on_buffer_drop(TP)
    assert TP not in made._active_partitions
    assert TP not in made._buffered_partitions


class Flow:
    """What the driver's consumer does around a rebalance; `meanwhile` happens while a seek is under way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.meanwhile: Any = lambda: None

        async def perform_seek(_: Any) -> None:
            await asyncio.sleep(0)
            self.meanwhile()

        async def revoked(_: Any, __: Any) -> None:
            await asyncio.sleep(0)

        monkeypatch.setattr(driver.Consumer, "perform_seek", perform_seek)
        monkeypatch.setattr(driver.Consumer, "on_partitions_revoked", revoked)
        monkeypatch.setattr(driver.Consumer, "resume_flow", lambda _: None)


async def committed(_: Any) -> None:
    """Commit nothing."""


async def revoke(made: Any) -> None:
    made.engine = SimpleNamespace(commit_before_revoke=committed)
    await made.on_partitions_revoked({TP})


async def test_a_seek_opens_the_flow_once_the_new_partitions_are_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rebalance would be the end of all work."""
    Flow(monkeypatch)
    made = consumer()
    await revoke(made)
    assert made.revoking
    made.adopt()
    await made.perform_seek()
    made.resume_flow()
    assert not made.revoking
    assert not made._hold
    assert made.take(TP, deliver(made, 9))


async def test_an_overtaken_recovery_opens_nothing_before_the_assignment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seek and resume come between revocation and assignment: a chunk would meet users not recovered."""
    Flow(monkeypatch)
    made = consumer()
    await revoke(made)
    await made.perform_seek()
    made.resume_flow()
    assert made.revoking
    assert made._hold
    assert not made.take(TP, deliver(made, 9))


async def test_a_seek_that_a_revocation_overtook_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the newer assignment is adopted before the older seek ends: that one's own seek will open it."""
    flow = Flow(monkeypatch)
    made = consumer()

    def overtake() -> None:
        made.revoking, made._revocations = True, made._revocations + 1
        made.adopt()

    flow.meanwhile = overtake
    await made.perform_seek()
    assert made.revoking
    assert not made.take(TP, deliver(made, 9))
    flow.meanwhile = lambda: None
    await made.perform_seek()
    assert made.take(TP, deliver(made, 9))
