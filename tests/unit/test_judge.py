"""The judge's own decoder and layout agree with the contract that Renown keeps, though they share no code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from agents.faults.judge.contract import RefusedError, act_of
from agents.faults.judge.home import home_of
from agents.faults.judge.table import PAIR_BYTES, PAIR_VERSION, ROW, ROW_VERSION, seven_days, table_of
from agents.faults.judge.verdict import Findings
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError
from schemas.rows import PAIR, USER, empty_users
from schemas.rows import PAIR_VERSION as THEIR_PAIR_VERSION
from schemas.rows import USER_VERSION as THEIR_USER_VERSION
from streams.engine.partitioner import partition_of
from streams.stages.rendering import seven_days as their_seven_days

GOOD = b'{"id":"a","kind":"like","actor":"x:a","target":"x:b","occurred_at":5}'


def ours(value: bytes) -> tuple[object, ...]:
    """Return what the judge makes of a record."""
    try:
        act = act_of(value)
    except RefusedError as refused:
        return (refused.reason,)
    return act.id, act.kind, act.actor, act.target, act.at_ms, act.undo


def theirs(value: bytes) -> tuple[object, ...]:
    """Return what the codec makes of a record."""
    try:
        act = decode_engagement(value)
    except BadRecordError as error:
        return (error.reason.value,)
    return act.id, act.kind, act.actor, act.target, act.occurred_at_ms, act.undo


TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["x:a", "x:b", "X:a", "momentum:a", "x:Cafe\u0301", "x:Caf\u00e9", "x:", ":a", "x:a\u2028", "like"]
    ),
    st.integers(250, 520).map("x:".ljust),
)
INSTANTS = st.one_of(
    st.datetimes().map(lambda d: d.isoformat() + "Z"),
    st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat()),
    st.integers(-5, 5_000_000_000_000),
    st.sampled_from(
        ["2026-11-24T12:00:00.Z", "2026-W48-2T12:00:00Z", "2026-11-24 12:00:00Z", "20261124T120000Z", "", "Z"]
    ),
    st.integers(0, 12).map(lambda n: f"2026-11-24T12:00:00.{'9' * n}Z"),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {
        "id": TEXTS,
        "kind": st.sampled_from(["like", "share", "mention", "reply", "zap", ""]),
        "actor": TEXTS,
        "target": TEXTS,
        "occurred_at": INSTANTS,
    },
    optional={"object": TEXTS | st.none(), "undo": st.booleans(), "more": VALUES},
)
STRANGE = st.dictionaries(
    st.sampled_from(["id", "kind", "actor", "target", "occurred_at", "object", "undo"]) | st.text(max_size=3),
    VALUES,
    max_size=8,
)
JSON = st.builds(
    lambda v, plain: json.dumps(v, ensure_ascii=plain).encode(errors="surrogatepass"), FIELDS | STRANGE, st.booleans()
)


PIECES = [
    *(bytes([each]) for each in b'"{}[],:\\\xff\x001- '),
    *(b"", b"\\ud800", b"\\u00e9", b".5", b"e9", b"null", b"true", b"NaN"),
    *(b'"id":5,', b'"undo":null,', b'"id":"again",', b'"\xff":1,'),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return JSON with a few bytes cut out, put in, or doubled: near enough to valid to go far into a decoder."""
    value = bytearray(draw(JSON | st.just(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        end = draw(st.integers(at, min(len(value), at + 4)))
        value[at:end] = draw(st.sampled_from(PIECES))
    return bytes(value)


@given(JSON)
@example(b"5 x")
@example(GOOD[:-1] + b',"id":5}')
@example(GOOD[:-1] + b',"id":"again"}')
@example(GOOD[:-1] + b',"more":"\xff"}')
@example(GOOD[:-1] + b',"more":"\\ud800 and then some"}')
@example(GOOD[:-1] + b',"more":' + b"[" * 600 + b"]" * 600 + b"}")
@example(GOOD[:-1] + b',"more":' + b"[" * 5_000 + b"]" * 5_000 + b"}")
@example(GOOD[:-1] + b',"occurred_at":' + b"1" * 4_301 + b"}")
@example(GOOD + b" " * 16_384)
@example(b"\xef\xbb\xbf" + GOOD)
@example(b"")
def test_the_judge_accepts_refuses_and_reads_records_as_the_codec_does(value: bytes) -> None:
    """A judge who reads the contract otherwise accuses the innocent or misses the loss of what it refuses."""
    assert ours(value) == theirs(value)


@given(damaged())
@example(GOOD[:-2] + b"5.5.5}")
@example(GOOD[:-2] + b"5.55e}")
@example(GOOD[:-2] + b"5e5.5}")
def test_the_judge_finds_the_same_first_fault_in_damaged_records(value: bytes) -> None:
    """Dead letters carry one reason: the judge must know which, also when several things are wrong."""
    assert ours(value) == theirs(value)


def test_the_judge_s_row_lies_where_the_table_s_row_lies() -> None:
    """The layouts are written down twice; every field that the judge reads must be at the same place."""
    assert (ROW.itemsize, ROW_VERSION) == (USER.itemsize, THEIR_USER_VERSION)
    assert (PAIR.itemsize, THEIR_PAIR_VERSION) == (PAIR_BYTES, PAIR_VERSION)
    shared = {
        "received",
        "given",
        "day",
        "days",
        "shown",
        "sent_last",
        "sent_score",
        "got_last",
        "given_last",
        "target",
    }
    for name in shared:
        assert ROW.fields is not None
        assert USER.fields is not None
        assert ROW.fields[name] == USER.fields[name]


@given(st.binary(max_size=40), st.integers(1, 64))
def test_the_judge_knows_where_a_user_lives(user: bytes, partitions: int) -> None:
    """A foreign key is told by the partition: with another hash every record would look re-routed."""
    assert home_of(user, partitions) == partition_of(user, partitions)


@given(st.lists(st.tuples(st.integers(0, 30_000), st.integers(-10, 10)), min_size=1, max_size=20), st.integers(0, 9))
def test_the_judge_counts_seven_days_as_readers_see_them(days: list[tuple[int, int]], seed: int) -> None:
    """Counts of seven days are a ring in the row: reading it by another rule would accuse every user."""
    rows = empty_users(len(days))
    rows["days"] = np.random.default_rng(seed).integers(0, 9, rows["days"].shape)
    for row, (day, later) in zip(rows, days, strict=True):
        row["day"] = day
        today = max(0, day + later)
        one = np.array([row])
        got = seven_days(one.view(ROW), np.array([today]))
        assert got.tolist() == their_seven_days(one, today * 86_400.0 + 5).tolist()


@dataclass
class Message:
    """A record of the changelog as the Kafka client hands it over."""

    k: bytes
    v: bytes | None

    def key(self) -> bytes:
        """Return what the record is keyed by."""
        return self.k

    def value(self) -> bytes | None:
        """Return its bytes."""
        return self.v

    def partition(self) -> int:
        """Return where it lies."""
        return 0

    def offset(self) -> int:
        """Return its place there."""
        return 7


def test_a_row_of_another_version_is_unreadable_not_passed_over() -> None:
    """A user whose row cannot be read is a user who is lost."""
    row = empty_users(1).tobytes()
    findings = Findings()
    messages: list[Any] = [
        Message(b"x:a", b"\x01" + row),
        Message(b"x:b", b"\x02" + row),
        Message(b"x:c", b"\x01" + row[1:]),
    ]
    messages += [Message(b"\x00claim", b"any"), Message(b"\x01" + b"8" * 8 + b"x:a", None)]
    assert table_of(messages, findings).users == [b"x:a"]
    assert findings.counts["unreadable"] == 2
