"""Records of one chunk are credited together, with the outcome of one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.command import Command, encode_command, subject_of
from schemas.credit import EVENT, Credits, decode_credits, encode_credits
from schemas.rows import empty_users
from schemas.topics import Topics
from streams.engine.chunk import Chunk
from streams.engine.fencing import FencedWriter
from streams.engine.hashing import hash_id
from streams.engine.partition import Partition
from streams.engine.records import COLUMNS, OFFSET, VALUE_AT, VALUE_LEN
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.stages.letters import Outbox
from streams.stages.pending import pending_of
from streams.stages.stream_time import StreamTime
from streams.stages.suppression import Suppression
from streams.stages.target import TargetStage, progress_of

SOURCES = 3
EMPTY = empty_users(1)[0].tobytes()


def nowhere() -> FencedWriter:
    raise AssertionError


def chunk_of(values: list[bytes], first: int) -> Chunk:
    length = np.array([len(value) for value in values])
    table = np.zeros((COLUMNS, len(values)), np.int64)
    table[OFFSET] = np.arange(first, first + len(values))
    table[VALUE_AT], table[VALUE_LEN] = np.cumsum(length) - length, length
    return Chunk("credits", 0, first, first + len(values) - 1, b"".join(values), table)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Return a record of a few events from one of few sources and stretches, so that many repeat, whole or in part."""
    names = draw(st.lists(st.sampled_from([b"x:a", b"x:bc", b"x:d"]), min_size=1, unique=True))
    count, first = draw(st.integers(1, 4)), draw(st.integers(0, 12))
    rng, events = np.random.default_rng(first), np.zeros(count, EVENT)
    events["at"] = 1.7e9 + 1e5 * rng.random(count)
    events["mass"], events["reach"] = rng.random(count), rng.random(count)
    events["actor"] = rng.integers(1, 3, count)
    events["offset_delta"] = np.arange(count)
    events["target"] = rng.integers(0, len(names), count)
    events["flags"] = rng.integers(0, 8, count)
    lengths = np.array([len(name) for name in names], "<u2")
    produced_at_ms = draw(st.integers(1, 100))
    record = Credits(
        draw(st.integers(0, SOURCES - 1)),
        produced_at_ms,
        first,
        events,
        lengths,
        np.frombuffer(b"".join(names), np.uint8),
    )
    return encode_credits(record)


def after(chunks: list[Chunk], said: Suppression | None = None) -> tuple[Any, ...]:
    """Return everything that applying `chunks` leaves behind in a partition, by user."""
    stage = TargetStage(
        SOURCES,
        Parameters(),
        Outbox(nowhere, Topics("test")),
        StreamTime(),
        Metrics(),
        suppression=said or Suppression(),
    )
    partition = Partition(0, b"k" * 16)
    for chunk in chunks:
        stage.apply(partition, chunk)
    state, progress, pending = partition.state, progress_of(partition, SOURCES), pending_of(partition)
    keys = partition.index.keys()
    order = sorted(range(len(keys)), key=keys.__getitem__)
    pairs = {
        (keys[user], int(other)): slot.tobytes()
        for user, other, slot in zip(state.pairs.users, state.pairs.others, state.pairs.slots, strict=True)
    }
    counted = [m._value.get() for m in (stage.metrics.credited, stage.metrics.forward_repeats)]
    return (
        [(keys[i], state.rows[i].tobytes(), bool(state.dirty[i])) for i in order],
        pairs,
        progress.marks.applied.tolist(),
        progress.applied,
        [(int(pending.waits[i]), int(pending.produced_at_ms[i])) for i in order],
        stage.stream_time.now_s,
        counted,
    )


@given(st.lists(records(), min_size=1, max_size=12))
def test_a_chunk_of_records_is_credited_as_one_record_after_another(values: list[bytes]) -> None:
    """How the log is cut into chunks is chance; state, watermarks and what waits must not depend on it."""
    together = after([chunk_of(values, 40)])
    assert together == after([chunk_of([value], 40 + i) for i, value in enumerate(values)])


GONE = st.sets(st.sampled_from(["x:a", "x:bc", "x:d", "actor"]))


@given(st.lists(records(), min_size=1, max_size=6), GONE, st.sampled_from([0, 100]))
def test_what_is_by_or_about_somebody_who_left_never_arrives(values: list[bytes], gone: set[str], until: int) -> None:
    """What is still on its way when somebody leaves makes no row and no pair; the place in the log is kept."""
    hashes = {name: 1 if name == "actor" else hash_id(name.encode(), b"k" * 16) for name in gone}
    said = Suppression()
    for offset, hashed in enumerate(hashes.values()):
        value = encode_command(Command("c", "forget", subject_of(hashed), 0, "test"))
        said.take(offset, until, value)
    values = [encode_credits(replace(decode_credits(value), first=100 * i)) for i, value in enumerate(values)]
    kept = {offset: left for offset, value in enumerate(values, 40) if (left := only(value, gone, until))}
    alone = chunk_of(list(kept.values()), 40)
    alone.table[OFFSET] = list(kept)
    found, expected = after([chunk_of(values, 40)], said), after([alone])
    # Records of the draw name people without an event, or with repeats alone.
    rows, expected_rows = ([row for row in one[0] if row[1] != EMPTY] for one in (found, expected))
    assert rows == expected_rows
    assert found[1] == expected[1]
    assert found[2:4] == after([chunk_of(values, 40)])[2:4]


def only(value: bytes, gone: set[str], until: int) -> bytes | None:
    """Return the record without the events that must not arrive, None when none is left."""
    c = decode_credits(value)
    ends = np.cumsum(c.lengths, dtype=np.int64)
    names = [c.names[end - n : end].tobytes().decode() for end, n in zip(ends, c.lengths, strict=True)]
    counting = [
        c.produced_at_ms > until or not (names[each["target"]] in gone or (each["actor"] == 1 and "actor" in gone))
        for each in c.events
    ]
    users = sorted({int(one) for one in c.events["target"][counting]})
    events = c.events[counting].copy()
    events["target"] = np.searchsorted(users, events["target"])
    buf = np.frombuffer("".join(names[user] for user in users).encode(), np.uint8)
    return encode_credits(replace(c, events=events, lengths=c.lengths[users], names=buf)) if users else None


@given(st.lists(records(), min_size=1, max_size=6))
def test_records_that_come_again_change_nothing_but_the_place(values: list[bytes]) -> None:
    """A worker that died after forwarding forwards again; the watermark of its source drops all of it."""
    once, twice = after([chunk_of(values, 40)]), after([chunk_of(values * 2, 40)])
    assert once[:3] == twice[:3]
    assert twice[3] == 40 + 2 * len(values)
    assert once[4:6] == twice[4:6]
