"""Keys go where every default Kafka producer sends them."""

from __future__ import annotations

import numpy as np
import pytest
from aiokafka.partitioner import murmur2 as their_murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.partitioner import murmur2, partition_of, partitions_of


@given(st.binary(max_size=100))
def test_murmur2_is_aiokafkas(key: bytes) -> None:
    """A credit sent elsewhere than the user's own events would split the user in two."""
    assert murmur2(key) == their_murmur2(key)


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_murmur2_is_javas(key: bytes, value: int) -> None:
    """Kafka's own test vectors, as signed numbers."""
    assert murmur2(key) == value % 2**32


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=20), st.integers(1, 64))
def test_many_keys_go_where_each_goes_alone(keys: list[bytes], count: int) -> None:
    """The column form is the one that routes forwards."""
    buf = np.frombuffer(b"".join(keys), np.uint8)
    length = np.array([len(k) for k in keys], np.int64)
    found = partitions_of(buf, np.cumsum(length) - length, length, count)
    assert found.tolist() == [partition_of(key, count) for key in keys]
    assert all(0 <= p < count for p in found)
