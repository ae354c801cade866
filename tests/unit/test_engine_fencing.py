"""What the fenced writer does with each answer of a broker."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors

from schemas.errors import BrokenGuaranteeError, FencedError
from streams.engine import fencing
from streams.engine.batches import HEADER, Batch
from streams.engine.fencing import FencedWriter, Lane


class Broker:
    """Answers produce requests with the codes it was given, in order, then with success."""

    def __init__(self, *codes: int) -> None:
        self.codes = deque(codes)
        self.batches: list[tuple[int, int, int, int]] = []
        self.end = 0
        self.cluster = SimpleNamespace(leader_for_partition=lambda _: 1)
        self.epoch = 0

    async def ready(self, *_: Any, **__: Any) -> bool:
        """Be connected."""
        return True

    async def force_metadata_update(self) -> None:
        """Know everything already."""

    def get_random_node(self) -> int:
        """Be the only node."""
        return 1

    async def coordinator_lookup(self, *_: Any) -> int:
        """Be the coordinator."""
        return 1

    async def send(self, _: int, request: Any, **__: Any) -> Any:
        """Answer one request."""
        if hasattr(request, "_fields"):
            self.epoch += 1
            return SimpleNamespace(error_code=0, producer_id=7, producer_epoch=self.epoch)
        ((place, raw),) = request.batches
        _, _, _, _, _, _, _, _, _, pid, epoch, sequence, count = HEADER.unpack_from(raw)
        code = self.codes.popleft() if self.codes else 0
        self.batches.append((pid, epoch, sequence, count))
        base = self.end
        if code == 0:
            self.end += count
        return SimpleNamespace(topics=[(place.topic, [(place.partition, code, base, -1, -1)])])


def writer_on(broker: Broker) -> FencedWriter:
    writer = FencedWriter("nowhere:1", "app", timeout_s=0.2, stamp_ms=lambda: 0)
    writer._client = broker  # type: ignore[assignment]
    return writer


BATCHES = [Batch(b"x", 3), Batch(b"y", 2)]


async def test_sequence_numbers_follow_the_records() -> None:
    """The broker refuses a gap: that is what makes a lost batch impossible."""
    broker = Broker()
    writer = writer_on(broker)
    assert await writer.claim("t", 0) == 1
    assert await writer.append_packed("t", 0, BATCHES) == 6
    assert broker.batches == [(7, 1, 0, 2), (7, 1, 2, 3), (7, 1, 5, 2)]


@pytest.mark.parametrize("code", [3, 6, 7])
async def test_a_passing_error_is_tried_again_under_the_same_number(code: int) -> None:
    """A batch that did arrive is recognised by its number and not doubled."""
    broker = Broker(0, code, 0)
    writer = writer_on(broker)
    await writer.claim("t", 0)
    await writer.append_packed("t", 0, BATCHES)
    assert broker.batches[1] == broker.batches[2] == (7, 1, 2, 3)


async def test_a_batch_that_had_arrived_counts_as_sent() -> None:
    """The answer to its first try was lost; where it lies is unknown."""
    broker = Broker(0, 46)
    writer = writer_on(broker)
    await writer.claim("t", 0)
    assert await writer.append_packed("t", 0, BATCHES[:1]) == -1


@pytest.mark.parametrize("code", [47, 90])
async def test_another_owner_is_named(code: int) -> None:
    """Both codes mean the same: this worker's epoch is old."""
    writer = writer_on(Broker(0, code))
    await writer.claim("t", 0)
    with pytest.raises(FencedError, match="t-0: another worker owns it now"):
        await writer.append_packed("t", 0, BATCHES)


@pytest.mark.parametrize("code", [10, 45, 47])
async def test_nothing_follows_a_failed_batch(code: int) -> None:
    """A later batch in the log without the earlier one would break every watermark."""
    broker = Broker(0, code)
    writer = writer_on(broker)
    await writer.claim("t", 0)
    with pytest.raises((errors.KafkaError, FencedError)):
        await writer.append_packed("t", 0, BATCHES)
    with pytest.raises(FencedError, match="no later one may follow"):
        await writer.append_packed("t", 0, BATCHES)
    assert len(broker.batches) == 2


async def test_a_broker_that_never_answers_ends_in_a_timeout() -> None:
    """The worker must end with a reason, not hang."""
    writer = writer_on(Broker(0, *[7] * 1000))
    await writer.claim("t", 0)
    with pytest.raises(errors.KafkaTimeoutError, match="append to t-0: no answer within"):
        await writer.append_packed("t", 0, BATCHES)


async def test_a_cancelled_append_closes_its_lane() -> None:
    """Whether the batch arrived is unknown; only a new claim can go on."""
    broker = Broker(0)
    writer = writer_on(broker)
    await writer.claim("t", 0)
    broker.codes.extend([7] * 1000)
    task = asyncio.create_task(writer.append_packed("t", 0, BATCHES))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(FencedError):
        await writer.append_packed("t", 0, BATCHES)
    broker.codes.clear()
    await writer.claim("t", 0)
    await writer.append_packed("t", 0, BATCHES)


async def test_an_unclaimed_partition_is_not_written() -> None:
    """After a rebalance the writer forgets what it lost."""
    writer = writer_on(Broker())
    await writer.claim("t", 0)
    writer.release("t", 0)
    with pytest.raises(FencedError, match="not claimed"):
        await writer.append("t", 0, [(b"k", b"v", ())])


async def test_open_lanes_are_apart() -> None:
    """Credits and scores of one worker have their own sequences."""
    broker = Broker()
    writer = writer_on(broker)
    await writer.append_open("t", 0, [(b"k", b"v", ())], lane="forwards")
    await writer.append_open("t", 0, [(b"k", b"v", ())], lane="scores")
    await writer.append_open("t", 0, [(b"k", b"v", ())], lane="forwards")
    assert [(epoch, sequence) for _, epoch, sequence, _ in broker.batches] == [(1, 0), (2, 0), (1, 1)]


async def test_a_user_beyond_every_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Splitting it would tear the user."""
    monkeypatch.setattr(fencing, "MAX_BATCH_BYTES", 1000)
    writer = writer_on(Broker())
    await writer.claim("t", 0)
    with pytest.raises(BrokenGuaranteeError, match="9 records of one user take 2061 bytes"):
        await writer.append_packed("t", 0, [Batch(bytes(2000), 9)])


async def test_idle_claims_are_renewed_and_old_ones_raised() -> None:
    """Brokers forget producers that are silent for a day."""
    broker = Broker()
    writer = writer_on(broker)
    await writer.claim("t", 0)
    await writer.refresh(idle_s=3600, old_s=3600)
    assert broker.batches == [(7, 1, 0, 2)]
    await writer.refresh(idle_s=0, old_s=3600)
    assert broker.batches[1:] == [(7, 1, 2, 1)]
    await writer.refresh(idle_s=0, old_s=0)
    assert broker.batches[2:] == [(7, 2, 0, 1)]


async def test_a_broker_that_does_not_fence_is_refused() -> None:
    """Exactness stands on it; better no worker than two that overwrite each other."""
    with pytest.raises(BrokenGuaranteeError, match="accepts appends of an older producer epoch"):
        await writer_on(Broker()).probe("t")
    await writer_on(Broker(0, 47)).probe("t")


def test_the_batch_header_is_the_protocols() -> None:
    """Everything above reads epochs and sequences by it."""
    assert HEADER.size == 61
    assert struct.calcsize(">q") == 8
    assert Lane(1, 2).sequence == 0
