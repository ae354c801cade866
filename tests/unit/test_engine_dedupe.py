"""Repeats are found exactly, and the same ones after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.chunk import Chunk
from streams.engine.dedupe import Seen, first_needed, rebuilt

STREAM = st.lists(st.tuples(st.integers(1, 5) | st.integers(15, 45), st.integers(0, 12)), min_size=1, max_size=150)
HORIZON = 20


def columns(stream: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Offsets from gaps, and ids."""
    offsets = np.cumsum([gap for gap, _ in stream], dtype=np.int64)
    return offsets, np.array([ident for _, ident in stream], np.uint64)


def repeats_by_sets(offsets: np.ndarray, ids: np.ndarray) -> list[int]:
    """Say by plain sets: kept unless the id stands earlier in this generation or the one before."""
    kept = []
    for i, (offset, ident) in enumerate(zip(offsets.tolist(), ids.tolist(), strict=True)):
        generation = offset // HORIZON
        before = {
            # 0 and 1 share a place: the table keeps 0 for "free".
            max(b, 1)
            for o, b in zip(offsets[:i].tolist(), ids[:i].tolist(), strict=True)
            if o // HORIZON in {generation, generation - 1}
        }
        kept.append(int(max(ident, 1) not in before))
    return kept


def checked(seen: Seen, offsets: np.ndarray, ids: np.ndarray, cuts: list[int]) -> list[int]:
    keep = np.ones(len(offsets), np.uint8)
    for start, end in zip([0, *cuts], [*cuts, len(offsets)], strict=True):
        seen.check(offsets[start:end], ids[start:end], keep[start:end])
    return keep.tolist()


@given(STREAM, st.lists(st.integers(0, 150), max_size=5))
def test_kept_ids_are_those_of_plain_sets(stream: list[tuple[int, int]], cuts: list[int]) -> None:
    """Exact, however the stream is cut into chunks."""
    offsets, ids = columns(stream)
    cuts = sorted(min(cut, len(offsets)) for cut in cuts)
    assert checked(Seen(HORIZON, 0), offsets, ids, cuts) == repeats_by_sets(offsets, ids)


@given(STREAM, st.integers(0, 149))
async def test_a_rebuilt_set_decides_as_the_one_that_lived(stream: list[tuple[int, int]], cut: int) -> None:
    """A new owner reads back two generations; it must then keep what the old owner would have kept."""
    offsets, ids = columns(stream)
    cut = min(cut, len(offsets) - 1)
    position = int(offsets[cut])
    lived = checked(Seen(HORIZON, 0), offsets, ids, [cut])

    async def log() -> AsyncIterator[Chunk]:
        yield Chunk("t", 0, 0, position, b"", np.zeros((8, 0), np.int64))

    first = int(np.searchsorted(offsets, first_needed(HORIZON, position)))

    def hashes_of(_: Chunk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return offsets[first:], ids[first:], np.ones(len(offsets) - first, np.uint8)

    seen = await rebuilt(HORIZON, position, log(), hashes_of)
    assert checked(seen, offsets[cut:], ids[cut:], []) == lived[cut:]


def test_offsets_checked_before_are_not_kept_again() -> None:
    """After a rebalance that leaves the partition here, a stretch of the log comes again."""
    seen = Seen(HORIZON, 0)
    offsets, ids = np.arange(5), np.arange(10, 15).astype(np.uint64)
    assert checked(seen, offsets, ids, []) == [1] * 5
    assert checked(seen, np.arange(3, 7), np.array([90, 91, 92, 93], np.uint64), []) == [0, 0, 1, 1]


def test_unreadable_records_leave_no_trace() -> None:
    """A record without an id must not stand for the id that its column happens to hold."""
    seen = Seen(HORIZON, 0)
    keep = np.array([0, 1], np.uint8)
    seen.check(np.arange(2), np.array([7, 7], np.uint64), keep)
    assert keep.tolist() == [0, 1]


def test_many_ids_in_a_generation_stay_exact() -> None:
    """The table grows with the generation."""
    seen = Seen(100_000, 0)
    ids = np.random.default_rng(3).integers(1, 2**63, 60_000).astype(np.uint64)
    assert all(checked(seen, np.arange(60_000), ids, list(range(500, 60_000, 500))))
    assert not any(checked(seen, np.arange(60_000, 100_000), ids[:40_000], []))
    assert not any(checked(seen, np.arange(100_000, 160_000), ids, []))
