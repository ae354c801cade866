"""Publishing: placement, pace, reading ahead."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.opening import SourceError
from agents.ingest.pace import Pace
from agents.ingest.partitioner import partition_of
from agents.ingest.publisher import MAX_LETTER_BYTES, letter_of
from agents.ingest.reading import ahead
from schemas.errors import BadRecordError
from schemas.reasons import Reason


@given(st.binary(min_size=1, max_size=300), st.integers(1, 64))
def test_keys_go_where_kafkas_default_partitioner_puts_them(key: bytes, count: int) -> None:
    """A user is actor and target on one partition only if every producer agrees."""
    partitions = list(range(count))
    assert partition_of(key, count) == DefaultPartitioner()(key, partitions, partitions)


async def test_a_pace_spreads_events_over_time() -> None:
    """A rate is a promise to whoever shares the broker: never faster on the whole."""
    pace, started = Pace(1_000), time.monotonic()
    for _ in range(5):
        await pace.spent(40)
    assert time.monotonic() - started >= 0.19


async def test_a_reader_that_waits_for_input_can_be_stopped() -> None:
    """A pipe on which nothing comes must not hold up Ctrl-C."""
    stop, release = asyncio.Event(), threading.Event()

    def blocked() -> Iterator[int]:
        yield 1
        release.wait()

    async with aclosing(ahead(blocked(), stop)) as blocks:
        seen = []
        async for block in blocks:
            seen.append(block)
            stop.set()
    release.set()
    assert seen == [1]


async def test_a_readers_failure_arrives_after_what_it_read() -> None:
    """What was read before the damage must be sent before the damage is told."""

    def torn() -> Iterator[int]:
        yield 1
        raise SourceError("cut")

    seen = []
    with pytest.raises(SourceError, match="cut"):  # noqa: PT012 - what came before counts
        async with aclosing(ahead(torn(), asyncio.Event())) as blocks:
            async for block in blocks:
                seen.append(block)  # noqa: PERF401 - what came before the failure is the point
    assert seen == [1]


def test_a_letter_fits_into_its_topic_and_says_what_was_cut() -> None:
    """A refused giant must not be refused by the dead-letter topic as well."""
    error = BadRecordError(Reason.TOO_LARGE, "big")
    letter = letter_of(error, b"x" * (MAX_LETTER_BYTES + 1), "file", 3, "jsonl", 5)
    assert len(letter.value) == MAX_LETTER_BYTES
    assert letter.detail.startswith("cut to")
