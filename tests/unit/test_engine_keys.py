"""The key index is a dict of bytes: same numbers, no collisions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.hashing import hash_id
from streams.engine.keys import KeyIndex, _look_up, laid_out

HASH_KEY = bytes(range(16))
BATCHES = st.lists(st.lists(st.binary(min_size=1, max_size=8), max_size=40), max_size=8)


@given(BATCHES)
def test_numbers_are_those_of_a_dict(batches: list[list[bytes]]) -> None:
    """Two users with one row, or one user with two, cannot be repaired afterwards."""
    index, expected = KeyIndex(HASH_KEY), {}
    for batch in batches:
        slots = index.slots(batch)
        assert slots.tolist() == [expected.setdefault(key, len(expected)) for key in batch]
    assert len(index) == len(expected)
    assert index.keys() == list(expected)
    assert [index.key(slot) for slot in expected.values()] == list(expected)
    assert all(index.find(key) == slot for key, slot in expected.items())


def test_growth_keeps_every_number() -> None:
    """A row number is kept by pairs and by stages for as long as the partition lives."""
    index = KeyIndex(HASH_KEY)
    keys = [b"net:user-%d" % i for i in range(20_000)]
    for start in range(0, len(keys), 700):
        index.slots(keys[start : start + 700])
    assert index.slots(keys).tolist() == list(range(len(keys)))
    assert index.keys() == keys


def test_an_unknown_key_is_not_found_and_not_added() -> None:
    """Asking must not make rows."""
    index = KeyIndex(HASH_KEY)
    index.slots([b"a"])
    assert index.find(b"b") == -1
    assert index.find(b"") == -1
    assert len(index) == 1
    with pytest.raises(IndexError):
        index.key(1)


def test_equal_hashes_do_not_make_equal_keys() -> None:
    """The hash is a filter: on a hit the bytes decide."""
    index = KeyIndex(HASH_KEY)
    index.slots([b"victim"])
    h = np.uint64(hash_id(b"victim", HASH_KEY))
    columns = (index._table, index.hashes, index.arena, index.start, index.length)
    found = [int(_look_up(*columns, h, *(laid_out([key])[0], 0, len(key)))) for key in (b"victim", b"attack", b"vict")]
    assert found[0] == 0
    assert found[1] < 0
    assert found[2] < 0


def test_a_snapshot_of_the_arrays_survives_growth() -> None:
    """A barrier packs keys after its snapshot, while new users arrive."""
    index = KeyIndex(HASH_KEY)
    index.slots([b"first"])
    arena, start, length = index.arena, index.start, index.length
    index.slots([b"later-%d" % i for i in range(5000)])
    assert arena[start[0] : start[0] + length[0]].tobytes() == b"first"
