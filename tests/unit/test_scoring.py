"""The scoring agent's pure parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import AuthenticationError, BusyLoadingError, OutOfMemoryError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from agents.scoring.entries import newest, packed
from agents.scoring.latency import Latency
from agents.scoring.outage import is_passing
from agents.scoring.records import user_and_score
from schemas.errors import BadRecordError
from schemas.score import Counts, Parts, Score, encode_score


def _score(user: str = "x:a", version: int = 1, **changes: Any) -> Score:
    parts = Parts(like=1.0, share=0.0, mention=0.0, reply=0.0, relationships=0.0)
    score = Score(
        user=user, score=10.0, target_score=11.0, raw=1.0, relationships=1.0, momentum=0.5, reach=1.0,
        percentile=50.0, provisional=False, parts=parts, counts_7d=Counts(), moments=(), as_of=1_790_000_000_000,
        version=version, model="default@00000000",
    )  # fmt: skip
    return msgspec.structs.replace(score, **changes)


def _record(key: bytes | None, value: bytes | None) -> ConsumerRecord:
    return cast("ConsumerRecord", SimpleNamespace(key=key, value=value))


steps = st.lists(st.tuples(st.sampled_from(["x:a", "x:b"]), st.one_of(st.none(), st.integers(0, 5))), max_size=12)


@given(steps)
def test_a_folded_poll_ends_where_its_records_one_by_one_do(history: list[tuple[str, int | None]]) -> None:
    """Folding saves writes; it must not change what is written last."""
    singly: dict[str, int] = {}
    for user, version in history:
        if version is None:
            singly.pop(user, None)
        elif version > singly.get(user, -1):
            singly[user] = version
    folded = newest((user, None if version is None else _score(user, version)) for user, version in history)
    assert {each.user: each.score.version for each in folded if each.score is not None} == singly
    tombstones = {user for user, version in history if version is None}
    assert {each.user for each in folded if each.gone} == tombstones


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b""),
        (b"", b""),
        (b"no-network", b""),
        (b"x:\xff", b""),
        (b"x:a\x00b", b""),
        (b"x:" + b"a" * 10_000, b""),
        ("x:e\u0301".encode(), b""),
        (b"x:a", b"{torn"),
        (b"x:a", encode_score(_score("x:b"))),
        (b"x:a", encode_score(_score(version=-1))),
        (b"x:a", encode_score(_score(version=2**63))),
    ],
)
def test_only_whole_valid_ids_become_keys(key: bytes | None, value: bytes) -> None:
    """Whatever stands in the topic, a foreign key of Redis can never be reached."""
    with pytest.raises(BadRecordError):
        user_and_score(_record(key, value))


def test_an_empty_value_is_a_tombstone() -> None:
    """Opting out reaches Redis as a record without a value."""
    assert user_and_score(_record(b"x:a", None)) == ("x:a", None)


def test_packed_entries_hold_text_only() -> None:
    """Redis' msgpack does not know the byte type, and its numbers are doubles."""
    (entry,) = newest([("x:a", _score(version=2**63 - 1))])
    unpacked = msgspec.msgpack.decode(packed(entry))
    assert unpacked[2] == "9223372036854775807"
    assert all(isinstance(each, (str, bool, list)) for each in unpacked)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (RedisConnectionError("refused"), True),
        (BusyLoadingError("loading"), True),
        (OutOfMemoryError("command not allowed"), True),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), True),
        (ResponseError("ERR Error running script"), False),
        (AuthenticationError("WRONGPASS"), False),
    ],
)
def test_waiting_is_for_what_passes(error: Exception, *, passes: bool) -> None:
    """A wrong password or a bug must end in an error, not in silence for ever."""
    assert is_passing(error) is passes


def test_quantiles_are_delays_that_happened() -> None:
    """A p99 that nobody waited for would be a made-up number."""
    latency = Latency()
    assert latency.quantiles() is None
    for delay in [5] * 98 + [-3, 900]:
        latency.add(delay)
    assert latency.quantiles() == (5, 900)
