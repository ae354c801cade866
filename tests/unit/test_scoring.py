"""The scoring agent's pure parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from redis.exceptions import AuthenticationError, BusyLoadingError, OutOfMemoryError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from agents.scoring.entries import Text, newest, text_of
from agents.scoring.latency import Latency
from agents.scoring.metrics import BUCKETS_S, ScoringMetrics
from agents.scoring.outage import is_passing
from agents.scoring.records import read, user_and_score
from agents.scoring.score_scan import VALUES
from schemas.errors import BadRecordError
from schemas.kinds import KINDS
from schemas.score import Counts, Moment, Parts, Pointer, Score, encode_pointer, encode_score


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


def test_a_pointer_takes_the_place_of_a_score_and_goes_with_a_tombstone() -> None:
    """Whatever came before in the poll; a score behind it is the account's own again."""
    pointer = Pointer("x:a", "x:b")
    for history, linked_to, has_score in (
        ([_score(), pointer], "x:b", False),
        ([pointer, None], "", False),
        ([pointer, None, _score()], "", True),
        ([None, pointer], "x:b", False),
    ):
        (entry,) = newest(("x:a", each) for each in history)
        assert (entry.gone, entry.linked_to, entry.text is not None) == (True, linked_to, has_score)


def test_a_pointer_names_its_key_and_a_whole_id() -> None:
    """What it names becomes part of a key."""
    assert user_and_score(_record(b"x:a", encode_pointer(Pointer("x:a", "x:b")))) == ("x:a", Pointer("x:a", "x:b"))
    for pointer in (Pointer("x:c", "x:b"), Pointer("x:a", "b"), Pointer("x:a", "")):
        with pytest.raises(BadRecordError):
            user_and_score(_record(b"x:a", encode_pointer(pointer)))


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
    assert {each.user: each.text.version for each in folded if each.text is not None} == singly
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


def test_values_are_text_only() -> None:
    """Redis' msgpack does not know the byte type, and its numbers are doubles."""
    values = _unpacked(text_of(_score(version=2**63 - 1)))
    assert values[12] == "9223372036854775807"
    assert all(isinstance(each, str) for each in values)


def _unpacked(text: Text) -> list[Any]:
    return msgspec.msgpack.decode(b"\xdc" + VALUES.to_bytes(2) + text.values)  # type: ignore[no-any-return]


masses = st.one_of(st.floats(0, 1e18), st.floats(0, 1e-3), st.floats(0.009, 0.011), st.sampled_from([0.0, 0.01, 1e16]))
kinds = st.sampled_from(KINDS)
counts = st.integers(0, 2**40)
scores = st.builds(
    Score,
    user=st.sampled_from(["x:a", "y:😀", 'x:"', "x:\\", "x:" + "é" * 127]),
    score=st.floats(1, 100).map(lambda value: round(value, 1)),
    target_score=st.one_of(st.integers(1_000, 100_000), st.integers(100, 9_999).map(lambda n: 10 * n + 5)).map(
        lambda thousandths: thousandths / 1_000
    ),
    raw=masses,
    relationships=st.floats(1, 100).map(lambda value: round(value, 1)),
    momentum=masses,
    reach=masses,
    percentile=st.floats(0, 100).map(lambda value: round(value, 3)),
    provisional=st.booleans(),
    parts=st.builds(Parts, masses, masses, masses, masses, masses),
    counts_7d=st.builds(Counts, counts, counts, counts, counts),
    moments=st.lists(st.builds(Moment, counts, counts, kinds, counts, masses), max_size=5).map(tuple),
    as_of=st.integers(0, 2**42),
    version=st.one_of(st.integers(0, 2**53), st.just(2**63 - 1)),
    model=st.sampled_from(["default@00000000", "bürst", 'a"b', "m" * 300]),
    produced_at_ms=counts,
    emitted_at_ms=counts,
)
damage = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 2_000), st.sampled_from([b"", *(bytes([c]) for c in b'019.,:eE+- []{}"\\\xff\n')])),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(st.lists(st.tuples(scores, damage), min_size=1, max_size=20))
def test_a_score_read_where_it_lies_is_the_one_that_decoding_finds(drawn: list[tuple[Score, Any]]) -> None:
    """The fast way is never another opinion: neither on numbers as text nor on what is no score."""
    records = []
    for score, change in drawn:
        value = encode_score(score)
        if change is not None:
            at = change[0] % len(value)
            value = value[:at] + change[1] + value[at + 1 :]
        records.append(_record(score.user.encode(), value))
    expected: list[tuple[str, Text]] = []
    refused, produced = [], []
    for record in records:
        try:
            user, found = user_and_score(record)
        except BadRecordError as error:
            refused.append(str(error))
        else:
            assert found is not None
            expected.append((user, text_of(found)))
            produced.append(found.produced_at_ms)
    told = read(records)
    found = [(user, text_of(each) if isinstance(each, Score) else each) for user, each in told.scores]
    if any(change for _, change in drawn):
        assert [(user, _meaning(text)) for user, text in found] == [(user, _meaning(text)) for user, text in expected]
    else:
        assert found == expected
    assert (told.produced_at_ms, [str(each.error) for each in told.refused]) == (produced, refused)


def _meaning(text: Text | None) -> list[Any]:
    """Return the values as numbers: a damaged text may spell the same number in more digits than it takes."""
    assert text is not None
    values = _unpacked(text)
    return [text.version, text.day, *map(msgspec.json.decode, values[:-1]), values[-1]]


@pytest.mark.parametrize("raw", [b"1.5e99", b"1.5e308", b"1.5e309", b"1.5e30553", b"1.5e-400"])
def test_a_number_beyond_any_float_is_refused_as_decoding_refuses_it(raw: bytes) -> None:
    """Read where it lies it would reach Redis, and end every reader there."""
    score = _score("x:a", 1, target_score=1.0)
    value = encode_score(score)
    spoilt = value.replace(b'"raw":%s,' % msgspec.json.encode(score.raw), b'"raw":%s,' % raw)
    assert spoilt != value
    try:
        user_and_score(_record(b"x:a", spoilt))
    except BadRecordError as error:
        refused = [str(error)]
    else:
        refused = []
    told = read([_record(b"x:a", spoilt)])
    assert [str(each.error) for each in told.refused] == refused
    assert bool(refused) == (raw in {b"1.5e309", b"1.5e30553"})


def test_what_a_worker_writes_is_read_where_it_lies() -> None:
    """A scan that gave up on everything would be right, and slow."""
    scores = [_score(f"x:{n}", n, target_score=n / 8, moments=(Moment(1, 2, "like", 3, 0.5),)) for n in range(1, 100)]
    told = read([_record(score.user.encode(), encode_score(score)) for score in scores])
    assert [(user, each) for user, each in told.scores] == [(score.user, text_of(score)) for score in scores]


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
    latency.add([5] * 98 + [-3, 900])
    assert latency.quantiles() == (5, 900)


@given(st.lists(st.one_of(st.integers(-5, 400_000), st.sampled_from([50, 100, 300_000])), max_size=30))
def test_many_delays_at_once_count_like_one_by_one(delays_ms: list[int]) -> None:
    """Batches save time; a dashboard must not see them."""
    at_once, singly = CollectorRegistry(), CollectorRegistry()
    ScoringMetrics(at_once).observe_delays(delays_ms)
    metrics = ScoringMetrics(singly)
    for delay_ms in delays_ms:
        metrics.delay.observe(max(0, delay_ms) / 1000)
    for name, labels in [
        ("count", {}),
        ("sum", {}),
        *(("bucket", {"le": str(bound)}) for bound in (*BUCKETS_S, "+Inf")),
    ]:
        found, expected = (
            each.get_sample_value(f"renown_scoring_delay_seconds_{name}", labels) for each in (at_once, singly)
        )
        assert found == pytest.approx(expected), (name, labels)
        assert expected is not None
