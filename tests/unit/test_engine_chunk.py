"""A split chunk covers what the whole one covered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.chunk import Chunk
from streams.engine.records import COLUMNS
from streams.engine.scheduler import chunk_scheduler


def chunk_of(offsets: list[int], first: int, last: int) -> Chunk:
    table = np.zeros((COLUMNS, len(offsets)), np.int64)
    table[0] = offsets
    return Chunk("t", 0, first, last, b"", table)


@given(st.lists(st.integers(10, 10_000), unique=True, max_size=50), st.integers(1, 20))
def test_pieces_cover_the_same_offsets_without_a_hole(offsets: list[int], size: int) -> None:
    """Commits go by a piece's last offset: a hole would be lost, an overlap counted twice."""
    offsets.sort()
    whole = chunk_of(offsets, 5, 10_001)
    pieces = whole.split(size)
    assert [o for piece in pieces for o in piece.offsets.tolist()] == offsets
    assert pieces[0].first == 5
    assert pieces[-1].last == 10_001
    assert all(a.last + 1 == b.first for a, b in pairwise(pieces))
    assert all(len(piece) <= size for piece in pieces)


def test_the_scheduler_takes_partitions_in_turn() -> None:
    """A partition with much to read must not keep the others waiting."""
    scheduler = chunk_scheduler(2)()
    fetched = {"a": [chunk_of([1, 2, 3, 4], 1, 4)], "b": [chunk_of([7], 7, 7)], "c": []}
    given_out = [(tp, piece.last) for tp, piece in scheduler.iterate(fetched)]
    assert given_out == [("a", 2), ("b", 7), ("a", 4)]
