"""Credits that cannot be folded in: set aside, one by one, as if they had never been forwarded."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.credit import EVENT, Credits, decode_credits, encode_credits
from schemas.dead_letter import dead_letter
from schemas.reasons import Reason
from schemas.rows import empty_users
from schemas.topics import Topics
from streams.engine.chunk import Chunk
from streams.engine.fencing import FencedWriter
from streams.engine.partition import Partition
from streams.engine.records import COLUMNS, OFFSET, STAMP, VALUE_AT, VALUE_LEN
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.stages.letters import Outbox
from streams.stages.pending import pending_of
from streams.stages.poison_plan import PoisonPlan
from streams.stages.stream_time import StreamTime
from streams.stages.target import TargetStage, progress_of

TOPICS, PARTITIONS, FIRST = Topics("test"), 3, 40
NAMES = [b"x:a", b"x:bc", b"x:only"]
RECORDS, EVENTS = 4, 10
POISON = [[(1, 4)], [(0, 0)], [(3, 9)], [(0, 0), (1, 9), (2, 0), (3, 9)], [(2, i) for i in range(EVENTS)]]
"""Record and event of each."""


def record(number: int, left_out: list[int], poison: list[int]) -> bytes | None:
    """Return a record of `EVENTS` events without those left out; poisonous ones are towards somebody of their own."""
    rng, events = np.random.default_rng(number), np.zeros(EVENTS, EVENT)
    events["at"] = 1.7e9 + 1e4 * number + 1e5 * np.arange(EVENTS)
    events["mass"], events["reach"] = rng.random(EVENTS), rng.random(EVENTS)
    events["actor"] = rng.integers(1, 3, EVENTS)
    events["offset_delta"], events["flags"] = np.arange(EVENTS), rng.integers(0, 8, EVENTS)
    events["target"] = np.arange(EVENTS) % 2
    events["mass"][poison] = np.nan
    events["target"][poison[::2]] = 2
    kept = np.delete(events, left_out)
    if not len(kept):
        return None
    names, lengths = np.frombuffer(b"".join(NAMES), np.uint8), np.array([len(name) for name in NAMES], "<u2")
    if left_out or not poison:
        names, lengths = names[: int(lengths[:2].sum())], lengths[:2]
    kept["offset_delta"] -= kept["offset_delta"][0]
    first = 100 * number + int(np.delete(np.arange(EVENTS), left_out)[0])
    return encode_credits(Credits(number % PARTITIONS, 1_000 + number, first, kept, lengths, names))


def chunk_of(values: list[bytes | None]) -> Chunk:
    there = [i for i, value in enumerate(values) if value is not None]
    length = np.array([len(values[i] or b"") for i in there])
    table = np.zeros((COLUMNS, len(there)), np.int64)
    table[OFFSET], table[STAMP] = FIRST + np.array(there), 7
    table[VALUE_AT], table[VALUE_LEN] = np.cumsum(length) - length, length
    return Chunk("credits", 2, FIRST, FIRST + len(values) - 1, b"".join(v for v in values if v is not None), table)


def nowhere() -> FencedWriter:
    raise AssertionError


class Bench:
    """A target stage on one partition that sends nothing."""

    def __init__(self, plan: PoisonPlan | None = None) -> None:
        self.metrics, self.outbox, self.time = Metrics(), Outbox(nowhere, TOPICS), StreamTime()
        self.stage = TargetStage(PARTITIONS, Parameters(), self.outbox, self.time, self.metrics, plan)
        self.partition = Partition(2, b"k" * 16)

    def outcome(self) -> tuple[object, ...]:
        """Return everything that the stage left behind, by user; watermarks and letters apart."""
        state, keys, pending = self.partition.state, self.partition.index.keys(), pending_of(self.partition)
        rows = {keys[i]: state.rows[i].tobytes() for i in np.flatnonzero(state.dirty[: state.count])}
        untouched = [row.tobytes() for row in state.live()[~state.dirty[: state.count]]]
        assert set(untouched) <= {empty_users(1)[0].tobytes()}
        pairs = {
            (keys[user], int(other)): slot.tobytes()
            for user, other, slot in zip(state.pairs.users, state.pairs.others, state.pairs.slots, strict=True)
        }
        waits = {keys[i]: int(pending.produced_at_ms[i]) for i in np.flatnonzero(pending.waits)}
        applied = progress_of(self.partition, PARTITIONS).applied
        return rows, pairs, waits, applied, self.time.now_s, self.metrics.credited._value.get()

    def letters(self) -> list[tuple[int, Credits, str]]:
        """Return offset, credit record and detail of the letters on their way; check what they have in common."""
        waiting = self.outbox._waiting[TOPICS.dead_letters.name, 0]
        found = [dead_letter(value, list(headers)) for _, value, headers in waiting]
        about = {(one.reason, one.topic, one.partition, one.source, one.at_ms) for one in found}
        assert about == {(Reason.POISON, "credits", 2, "target-stage", 7)}
        assert self.metrics.refused.labels(Reason.POISON.value)._value.get() == len(found)
        return [(one.offset, decode_credits(one.value), one.detail) for one in found]


@pytest.mark.parametrize("poison", POISON, ids=str)
def test_a_chunk_is_credited_as_if_its_poison_had_not_been_forwarded(poison: list[tuple[int, int]]) -> None:
    """A mass that is no number must reach nobody's row, and cost nobody else of its record anything."""
    spoiled = [[event for at, event in poison if at == number] for number in range(RECORDS)]
    bench, without, whole = Bench(), Bench(), Bench()
    bench.stage.apply(bench.partition, chunk_of([record(n, [], spoiled[n]) for n in range(RECORDS)]))
    without.stage.apply(without.partition, chunk_of([record(n, spoiled[n], spoiled[n]) for n in range(RECORDS)]))
    whole.stage.apply(whole.partition, chunk_of([record(n, [], []) for n in range(RECORDS)]))
    assert bench.outcome() == without.outcome()
    marks = [progress_of(one.partition, PARTITIONS).marks.applied.tolist() for one in (bench, whole)]
    assert marks[0] == marks[1]
    letters = bench.letters()
    assert [offset for offset, _, _ in letters] == [FIRST + number for number, _ in poison]
    for (number, event), (_, alone, detail) in zip(poison, letters, strict=True):
        assert (alone.source, alone.first, len(alone)) == (number % PARTITIONS, 100 * number + event, 1)
        assert alone.names.tobytes() == NAMES[2 if event in spoiled[number][::2] else event % 2]
        assert detail.startswith(f"engagement {number % PARTITIONS}@{100 * number + event}: ValueError: ")


def test_poison_read_again_is_refused_again_and_changes_nothing() -> None:
    """A worker that dies before its watermarks are durable reads the credits again over the rows it had written."""
    chunk, bench = chunk_of([record(n, [], [4] if n == 1 else []) for n in range(RECORDS)]), Bench()
    bench.stage.apply(bench.partition, chunk)
    once, letters = bench.outcome(), bench.letters()
    del bench.partition.extra["progress"]
    bench.stage.apply(bench.partition, chunk)
    assert bench.outcome() == once
    assert [offset for offset, _, _ in bench.letters()] == [letters[0][0]] * 2


def test_credits_told_to_fail_keep_their_mass_in_the_letter() -> None:
    """The plan spoils what the kernel sees, never what is kept for the one who looks into it."""
    bench = Bench(PoisonPlan((("credit", "x:b*"),)))
    bench.stage.apply(bench.partition, chunk_of([record(0, [], [])]))
    assert all(np.isfinite(alone.events["mass"]).all() for _, alone, _ in bench.letters())
    assert len(bench.letters()) == EVENTS // 2
    assert list(bench.outcome()[0]) == [b"x:a"]  # type: ignore[call-overload]
