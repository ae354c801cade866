"""A credit record says the same after its way through bytes, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.credit import CREDIT_VERSION, EVENT, Credits, decode_credits, encode_credits
from schemas.errors import BrokenGuaranteeError


def credits_of(names: list[bytes], targets: list[int], seed: int = 1) -> Credits:
    rng = np.random.default_rng(seed)
    events = np.frombuffer(rng.bytes(EVENT.itemsize * len(targets)), EVENT).copy()
    events["target"] = targets
    lengths = np.array([len(name) for name in names], "<u2")
    return Credits(511, 1_790_000_000_000, 2**47, events, lengths, np.frombuffer(b"".join(names), np.uint8))


@given(st.lists(st.binary(min_size=1, max_size=256), min_size=1, max_size=5), st.data())
def test_a_record_reads_back_as_it_was_written(names: list[bytes], data: st.DataObject) -> None:
    """The target's worker must apply exactly what the actor's worker granted."""
    targets = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=20))
    written = credits_of(names, targets)
    read = decode_credits(encode_credits(written))
    assert (read.source, read.produced_at_ms, read.first) == (written.source, written.produced_at_ms, written.first)
    assert len(read) == len(targets)
    assert read.events.tobytes() == written.events.tobytes()
    assert read.lengths.tolist() == [len(name) for name in names]
    assert read.names.tobytes() == b"".join(names)


def test_what_is_no_whole_record_is_refused_loudly() -> None:
    """Only Renown writes credits: a record that contradicts itself is our own corruption, never to be guessed at."""
    good = encode_credits(credits_of([b"x:a", b"x:bc"], [0, 1, 1]))
    assert len(decode_credits(good)) == 3
    wrong = [good[:cut] for cut in range(len(good))]
    wrong += [good + b"x", bytes([CREDIT_VERSION + 1]) + good[1:]]
    for value in wrong:
        with pytest.raises(BrokenGuaranteeError):
            decode_credits(value)


def test_an_event_towards_a_target_without_name_is_refused_loudly() -> None:
    """It would be credited to a user of the next record."""
    with pytest.raises(BrokenGuaranteeError, match="contradicts"):
        decode_credits(encode_credits(credits_of([b"x:a"], [1])))
