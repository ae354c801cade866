"""Records framed from arrays are the bytes that framing them one by one gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.engine.batches import TARGET_BYTES, grouped
from streams.engine.framing import RecordArrays, Slices, gathered
from streams.engine.keys import laid_out
from streams.engine.records import Record

Pairs = list[tuple[bytes, bytes]]
PAIRS = st.lists(st.tuples(st.binary(max_size=70), st.binary(max_size=200)), max_size=90)


def arrays(pairs: Pairs) -> RecordArrays:
    keys, values = zip(*pairs, strict=True) if pairs else ((), ())
    return RecordArrays(Slices(*laid_out(keys)), Slices(*laid_out(values)))


def one_by_one(pairs: Pairs) -> list[Record]:
    return [(key, value, ()) for key, value in pairs]


@given(PAIRS, st.integers(1, 3_000))
@example([(b"", b"")] * 70, 9 + 8 * 63)
@example([(b"k" * 63, b"v" * 8_192), (b"k" * 64, b"v" * 8_191)], 1)
@example([(b"k", b"v" * 2 * TARGET_BYTES), (b"k", b"")], TARGET_BYTES)
def test_batches_of_arrays_are_those_of_single_records(pairs: Pairs, target: int) -> None:
    """A batch that is cut elsewhere, or a length of one bit less, is one that no reader can make sense of."""
    assert list(grouped(arrays(pairs), target)) == list(grouped(one_by_one(pairs), target))


@pytest.mark.parametrize("room", range(-2, 3))
def test_a_batch_ends_at_the_last_record_that_fits(room: int) -> None:
    """The broker refuses a batch beyond its limit; one far below it costs a request more."""
    pairs = [(b"key", b"value" * 10)] * 200
    (whole,) = grouped(one_by_one(pairs))
    target = len(whole.body) + room
    assert [batch.count for batch in grouped(arrays(pairs), target)] == ([200] if room >= 0 else [199, 1])


@given(st.lists(st.lists(st.binary(max_size=40), max_size=20), min_size=1, max_size=5), st.data())
def test_strings_gathered_from_several_buffers_keep_their_order(texts: list[list[bytes]], data: st.DataObject) -> None:
    """Users of several partitions are rendered together and sent apart: a shift by one gives each another's score."""
    chosen = [[*data.draw(st.permutations(range(len(one))))] for one in texts]
    slices = []
    for one, picked in zip(texts, chosen, strict=True):
        buf, at, length = laid_out(one)
        slices.append(Slices(buf, at[picked], length[picked]))
    whole = gathered(slices)
    start = 0
    for one, picked in zip(texts, chosen, strict=True):
        buf, at, length = whole.part(start, start + len(one))
        found = [buf[a : a + n].tobytes() for a, n in zip(at.tolist(), length.tolist(), strict=True)]
        assert found == [one[i] for i in picked]
        start += len(one)
    assert start == len(whole.at)
    assert isinstance(whole.buf, np.ndarray)


def test_a_key_without_a_value_is_refused() -> None:
    """The pass over the records checks no bounds: it would send whatever lies behind the last value."""
    with pytest.raises(ValueError, match="2 keys, but 1 values"):
        RecordArrays(Slices(*laid_out([b"a", b"b"])), Slices(*laid_out([b"c"])))
