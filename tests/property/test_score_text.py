"""Scores written by columns are, byte for byte, what the codec writes of each alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.kinds import KINDS
from schemas.rows import TOP_EVENTS
from schemas.score import Counts, Moment, Parts, Score, encode_score
from streams.engine.framing import Slices
from streams.engine.keys import laid_out
from streams.stages.score_text import FIRST_MOMENT, FLOATS, MOMENT, PARTS, SHOWN, WHOLE, Fields, Same, score_texts

ODD = ["", '"', "\\", '\\"', "\x00\x1f\x7f\x80", "\b\t\n\f\r", "/", "é", "\u2028\ufeff", "😀" * 3, "x:e\u0301", "<&>'"]
USERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD)
FLOAT = st.floats() | st.floats(0, 100).map(lambda x: round(x, 1)) | st.floats(0, 1e4) | st.integers(-9, 9).map(float)
EDGES = [0, 9, 10, 99, 100, 2**32, 2**53, 10**18 - 1, 10**18, 2**63 - 1, -1, -10, -(2**63)]
INTEGER = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(EDGES)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Return a score of any content that its fields can hold; what all have in common is not set."""
    moment = st.builds(
        Moment, partition=INTEGER, offset=INTEGER, kind=st.sampled_from(KINDS), occurred_at_ms=INTEGER, mass=FLOAT
    )
    return Score(
        draw(USERS),
        *(draw(FLOAT) for _ in SHOWN),
        provisional=draw(st.booleans()),
        parts=Parts(*(draw(FLOAT) for _ in PARTS)),
        counts_7d=Counts(*(draw(INTEGER) for _ in KINDS)),
        moments=tuple(draw(st.lists(moment, max_size=TOP_EVENTS))),
        as_of=0,
        version=draw(INTEGER),
        model="",
        produced_at_ms=draw(INTEGER),
    )


def fields_of(scores: list[Score]) -> Fields:
    """Return the scores as columns; places of moments that a score has not hold anything."""
    fields = Fields(
        np.full((len(scores), FLOATS), -1.5e300),
        np.full((len(scores), WHOLE), 3),
        np.array([len(score.moments) for score in scores], np.int64),
        np.array([score.provisional for score in scores], np.uint8),
    )
    for floats, whole, score in zip(fields.floats, fields.whole, scores, strict=True):
        parts = [getattr(score.parts, name) for name in PARTS]
        floats[: len(SHOWN) + len(PARTS)] = [*(getattr(score, name) for name in SHOWN), *parts]
        counts = score.counts_7d
        whole[:FIRST_MOMENT] = (
            counts.like,
            counts.share,
            counts.mention,
            counts.reply,
            score.version,
            score.produced_at_ms,
        )
        for m, one in enumerate(score.moments):
            floats[len(SHOWN) + len(PARTS) + m] = one.mass
            place = FIRST_MOMENT + MOMENT * m
            whole[place : place + MOMENT] = one.partition, one.offset, KINDS.index(one.kind), one.occurred_at_ms
    return fields


def texts_of(users: list[bytes], fields: Fields, same: Same) -> list[bytes]:
    buf, at, length = score_texts(Slices(*laid_out(users)), fields, same)
    return [buf[a : a + n].tobytes() for a, n in zip(at.tolist(), length.tolist(), strict=True)]


PLAIN = Score(
    "x:a", *[1.0] * 7, provisional=False, parts=Parts(*[0.0] * 5), counts_7d=Counts(), moments=(), as_of=0, version=1,
    model="",
)  # fmt: skip


@given(st.lists(scores(), min_size=1, max_size=5), INTEGER, USERS, INTEGER)
@example([PLAIN], 0, "default@1", 0)
def test_columns_become_the_bytes_that_the_codec_writes(
    found: list[Score], as_of: int, model: str, emitted_at_ms: int
) -> None:
    """The topic is a contract: no reader may see which of the two wrote a record."""
    whole = [
        Score(*(getattr(score, name) for name in Score.__struct_fields__[:12]), as_of, score.version, model,
              score.produced_at_ms, emitted_at_ms)
        for score in found
    ]  # fmt: skip
    users = [score.user.encode() for score in found]
    assert texts_of(users, fields_of(found), Same(as_of, model, emitted_at_ms)) == list(map(encode_score, whole))


@pytest.mark.parametrize("users", [[b"x:\xff"], [b"x:\xc3", b"\xa9"]])
def test_a_user_that_is_no_text_stops_the_worker(users: list[bytes]) -> None:
    """Such a name can only come from a broken table, and its score could be read by nobody."""
    with pytest.raises(UnicodeDecodeError):
        texts_of(users, fields_of([PLAIN] * len(users)), Same(0, "", 0))
