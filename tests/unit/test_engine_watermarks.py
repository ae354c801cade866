"""Forwards that arrived before are dropped, per source partition."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.errors import BrokenGuaranteeError
from streams.engine.watermarks import Watermarks


def test_each_source_has_its_own_mark() -> None:
    """A former owner's repeats must be dropped, another source's offsets must not."""
    marks = Watermarks(3)
    marks.advance(1, 40)
    marks.advance(1, 10)
    kept = {}
    for source in range(3):
        keep = np.ones(3, np.uint8)
        marks.fresh(source, np.array([39, 40, 41]), keep)
        kept[source] = keep.tolist()
    assert kept == {0: [1, 1, 1], 1: [0, 0, 1], 2: [1, 1, 1]}


def test_marks_survive_the_changelog() -> None:
    """They are a meta of the partition."""
    marks = Watermarks(2)
    marks.advance(0, 2**40)
    assert Watermarks.from_bytes(marks.to_bytes(), 2).applied.tolist() == [2**40, -1]


def test_marks_of_another_partition_count_are_refused() -> None:
    """After repartitioning every old mark is about other events."""
    with pytest.raises(BrokenGuaranteeError, match="of 2 source partitions, but there are 3"):
        Watermarks.from_bytes(Watermarks(2).to_bytes(), 3)
