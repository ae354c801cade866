"""Appends that are asked for together travel together, and each gets the answer for its own partition."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.protocol.produce import ProduceRequest_v7
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import FencedError
from streams.engine import appends
from streams.engine.appends import Appends
from streams.engine.produce_request import Produce, body


class Broker:
    """Node 1 leads even partitions, node 2 odd ones; `codes` by partition, else success at offset 100 + partition."""

    def __init__(self, **codes: int) -> None:
        self.codes = {int(name[1:]): code for name, code in codes.items()}
        self.requests: list[tuple[int, list[int]]] = []
        self.cluster = SimpleNamespace(leader_for_partition=lambda place: 1 + place.partition % 2)
        self.failure: BaseException | None = None
        self.asked = asyncio.Event()

    async def ready(self, _: int) -> bool:
        """Be connected."""
        return True

    async def force_metadata_update(self) -> None:
        """Know everything already."""

    async def send(self, node: int, request: Produce) -> Any:
        """Answer in another order than was asked."""
        self.requests.append((node, [place.partition for place, _ in request.batches]))
        self.asked.set()
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        found = [(p.partition, self.codes.pop(p.partition, 0), 100 + p.partition, -1, -1) for p, _ in request.batches]
        return SimpleNamespace(topics=[("t", found[::-1])])


def appends_on(broker: Broker, timeout_s: float = 1.0) -> Appends:
    async def client() -> Any:
        return broker

    return Appends(client, timeout_s)


async def together(broker: Broker, *partitions: int, raw: bytes = b"x") -> list[Any]:
    one = appends_on(broker)
    return await asyncio.gather(*(one.append("t", p, raw) for p in partitions), return_exceptions=True)


async def test_one_turn_is_one_request_for_each_leader() -> None:
    """A request costs the worker and the broker more than what it carries."""
    broker = Broker()
    assert await together(broker, 0, 1, 2, 3, 4) == [100, 101, 102, 103, 104]
    assert broker.requests == [(1, [0, 2, 4]), (2, [1, 3])]


async def test_a_partition_is_in_a_request_once() -> None:
    """A broker refuses a request that names a partition twice."""
    broker = Broker()
    assert await together(broker, 0, 2, 0) == [100, 102, 100]
    assert broker.requests == [(1, [0, 2]), (1, [0])]


async def test_a_request_stays_below_what_a_broker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight partitions of 15 MiB each are more than a broker reads at once."""
    monkeypatch.setattr(appends, "MAX_REQUEST_BYTES", 25)
    broker = Broker()
    await together(broker, 0, 2, 4, 6, raw=b"x" * 10)
    assert broker.requests == [(1, [0, 2]), (1, [4, 6])]


async def test_each_append_has_its_own_fate() -> None:
    """One partition lost to another worker, one whose leader moved, one that was there already, one in order."""
    broker = Broker(p0=90, p2=6, p4=46)
    fenced, moved, repeated, fine = await together(broker, 0, 2, 4, 6)
    assert isinstance(fenced, FencedError)
    assert (moved, repeated, fine) == (102, -1, 106)
    assert broker.requests == [(1, [0, 2, 4, 6]), (1, [2])]


async def test_a_lost_connection_reaches_everybody_who_waits() -> None:
    broker = Broker()
    broker.failure = errors.MessageSizeTooLargeError()
    assert [type(found) for found in await together(broker, 0, 2)] == [errors.MessageSizeTooLargeError] * 2


async def test_who_gave_up_does_not_disturb_the_others() -> None:
    broker = Broker()
    one = appends_on(broker)
    first, second = (asyncio.create_task(one.append("t", p, b"x")) for p in (0, 2))
    await broker.asked.wait()
    first.cancel()
    assert await second == 102
    with pytest.raises(asyncio.CancelledError):
        await first


PLACES = st.builds(TopicPartition, st.text(max_size=8), st.integers(0, 2**31 - 1))


@given(st.dictionaries(PLACES, st.binary(max_size=20), min_size=1, max_size=8))
def test_the_body_is_what_aiokafka_would_send(found: dict[TopicPartition, bytes]) -> None:
    """Written by hand for speed, so held against the slow one."""
    read = ProduceRequest_v7.decode(body(list(found.items())))
    assert (read.transactional_id, read.required_acks, read.timeout) == (None, -1, 10_000)
    flat = [(TopicPartition(topic, p), raw) for topic, partitions in read.topics for p, raw in partitions]
    assert len(flat) == len(found)
    assert dict(flat) == found
