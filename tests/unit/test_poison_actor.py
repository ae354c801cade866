"""Engagements that make our own code raise: set aside, one by one, as if they had never been sent."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from schemas.credit import decode_credits
from schemas.dead_letter import DeadLetter, dead_letter
from schemas.errors import BrokenGuaranteeError
from schemas.reasons import Reason
from schemas.rows import empty_users
from streams.engine.chunk import Chunk
from streams.engine.dedupe import Seen
from streams.engine.fencing import FencedWriter
from streams.engine.partition import Partition
from streams.engine.partitioner import partition_of
from streams.engine.records import COLUMNS, OFFSET, STAMP, VALUE_AT, VALUE_LEN
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.settings import Settings
from streams.stages import bisection
from streams.stages.actor import ActorStage
from streams.stages.admission import Admitted, admit
from streams.stages.forward import Forwarder
from streams.stages.letters import Outbox
from streams.stages.poison_plan import PoisonPlan
from streams.stages.stream_time import StreamTime

SETTINGS = Settings()
NOW_MS = 1_800_000_000_000
FIRST, COUNT = 100, 60
HERE = [f"x:u{i}" for i in range(400) if partition_of(f"x:u{i}".encode(), SETTINGS.partitions) == 0]
PLACES = [[30], [0], [COUNT - 1], [0, COUNT - 1], [7, 8, 9, 31], list(range(0, COUNT, 3))]


def values(poison: list[int]) -> list[bytes]:
    """Return acts of four people, later ones later, one of them left to the codec.

    Poisonous ones are called so; every second of them is by somebody who does nothing else.
    """
    acts = [
        {
            "id": f"{'bad' if i in poison else 'good'}-{i}",
            "kind": ("like", "share", "reply")[i % 3],
            "actor": HERE[i % 4] if i not in poison or i % 2 else HERE[4],
            "target": f"x:t{i % 5}\u00e9" if i == 8 else f"x:t{i % 5}",
            "occurred_at": NOW_MS - 90_000_000 + 1_400_000 * i,
        }
        for i in range(COUNT)
    ]
    return [json.dumps(act).encode() for act in acts]


def chunk_of(lines: list[bytes]) -> Chunk:
    table, length = np.zeros((COLUMNS, len(lines)), np.int64), np.array([len(line) for line in lines])
    table[OFFSET], table[STAMP] = np.arange(FIRST, FIRST + len(lines)), NOW_MS
    table[VALUE_AT], table[VALUE_LEN] = np.cumsum(length) - length, length
    return Chunk("engagements", 0, FIRST, FIRST + len(lines) - 1, b"".join(lines), table)


def nowhere() -> FencedWriter:
    raise AssertionError


class Bench:
    """An actor stage on one partition that sends nothing; `plan` says what fails."""

    def __init__(self, plan: PoisonPlan | None) -> None:
        self.metrics, self.outbox, self.time = Metrics(), Outbox(nowhere, SETTINGS.topics), StreamTime()
        self.forwarder = Forwarder(nowhere, "credits", SETTINGS.partitions)
        self.stage = ActorStage(SETTINGS, Parameters(), self.forwarder, self.outbox, self.time, self.metrics, plan=plan)
        self.partition = Partition(0, SETTINGS.hash_key.encode())
        self.partition.extra["seen"] = Seen(SETTINGS.dedupe_horizon, FIRST)

    def outcome(self) -> tuple[object, ...]:
        """Return everything durable or sent that the stage left behind, letters apart."""
        state, keys = self.partition.state, self.partition.index.keys()
        rows = {keys[i]: state.rows[i].tobytes() for i in np.flatnonzero(state.dirty[: state.count])}
        pairs = {
            (keys[user], int(other)): (slot.tobytes(), bool(dirty))
            for user, other, slot, dirty in zip(
                state.pairs.users, state.pairs.others, state.pairs.slots, state.pairs.dirty, strict=True
            )
        }
        untouched = [row.tobytes() for row in state.live()[~state.dirty[: state.count]]]
        assert set(untouched) <= {empty_users(1)[0].tobytes()}
        counted = [m._value.get() for m in (self.metrics.granted, self.metrics.late, self.metrics.repeats)]
        return rows, pairs, self.forwarded(), self.time.now_s, counted

    def forwarded(self) -> list[tuple[int, bytes, tuple[float, ...]]]:
        """Return every packed event by offset: offset, target, and the fields that do not say where it is packed."""
        found = []
        for value in [value for packed in self.forwarder._packed.values() for _, value in packed]:
            record = decode_credits(value)
            ends = np.cumsum(record.lengths, dtype=np.int64)
            for one in record.events:
                end, size = ends[one["target"]], record.lengths[one["target"]]
                fields = one[["at", "mass", "actor", "reach", "flags"]].item()
                name = record.names[end - size : end].tobytes()
                found.append((record.first + int(one["offset_delta"]), name, fields))
        return sorted(found)

    def letters(self) -> list[DeadLetter]:
        """Return the letters on their way."""
        waiting = self.outbox._waiting[SETTINGS.topics.dead_letters.name, 0]
        return [dead_letter(value, list(headers)) for _, value, headers in waiting]

    def poisoned(self) -> float:
        """Return how many records the metric counts as poison."""
        return float(self.metrics.refused.labels(Reason.POISON.value)._value.get())


@pytest.mark.parametrize("place", ["admit", "price"])
@pytest.mark.parametrize("poison", PLACES, ids=str)
def test_a_chunk_is_applied_as_if_its_poison_had_not_been_sent(place: str, poison: list[int]) -> None:
    """One act that our code fails over must not stop its partition, nor leave half of itself in anybody's row."""
    chunk = chunk_of(values(poison))
    bench, without = Bench(PoisonPlan(((place, "bad-*"),))), Bench(None)
    bench.stage.apply(bench.partition, chunk)
    without.stage.apply(without.partition, chunk.part(np.delete(np.arange(COUNT), poison)))
    assert bench.outcome() == without.outcome()
    assert bench.poisoned() == len(poison)
    letters = bench.letters()
    assert [(one.offset - FIRST, one.value) for one in letters] == [(i, chunk.values[i]) for i in poison]
    assert {(one.reason, one.source) for one in letters} == {(Reason.POISON, "actor-stage")}
    assert all(one.detail.startswith("ValueError: ") for one in letters)


@pytest.mark.parametrize("place", ["admit", "price"])
def test_poison_read_again_is_refused_again_and_changes_nothing(place: str) -> None:
    """A worker that dies before committing reads the chunk again: the same must fail, the others not count twice."""
    chunk, bench = chunk_of(values([5, 30])), Bench(PoisonPlan(((place, "bad-*"),)))
    bench.stage.apply(bench.partition, chunk)
    once = bench.outcome()[:2]
    bench.partition.extra["seen"] = Seen(SETTINGS.dedupe_horizon, FIRST)
    bench.stage.apply(bench.partition, chunk)
    assert bench.outcome()[:2] == once
    assert {one.offset - FIRST for one in bench.letters()} == {5, 30}


def test_acts_that_could_not_be_read_are_not_seen() -> None:
    """What nobody could read has not been seen: sent again, it counts as soon as it can be read."""
    chunk, bench = chunk_of(values([5])), Bench(PoisonPlan((("admit", "bad-*"),)))
    bench.stage.apply(bench.partition, chunk)
    offsets, _, _ = bench.stage._acts(chunk)
    assert sorted(set(range(COUNT)) - set((offsets - FIRST).tolist())) == [5]
    mended = replace(bench.stage, plan=None)
    again = chunk_of(values([5]))
    again.table[OFFSET] += COUNT
    before = bench.metrics.granted._value.get()
    mended.apply(bench.partition, again)
    assert bench.metrics.granted._value.get() == before + 1


@pytest.mark.parametrize("error", [BrokenGuaranteeError("torn"), MemoryError()], ids=repr)
def test_what_is_no_act_s_fault_ends_the_worker(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Corrupt state and a machine that is full must not be paid for with acts."""

    def broken(chunk: Chunk, settings: Settings) -> Admitted:
        if len(chunk):
            raise error
        return admit(chunk, settings)

    monkeypatch.setattr("streams.stages.actor.admit", broken)
    bench = Bench(None)
    with pytest.raises(type(error)):
        bench.stage.apply(bench.partition, chunk_of(values([])))
    assert bench.letters() == []


def test_a_chunk_that_fails_only_as_a_whole_ends_the_worker() -> None:
    """Where no single record is to blame, none is thrown away."""

    def attempt(chunk: Chunk) -> Admitted:
        if len(chunk) > 1:
            raise ValueError(len(chunk))
        return admit(chunk, SETTINGS)

    with pytest.raises(ValueError, match=str(COUNT)):
        bisection.admit_rest(chunk_of(values([])), attempt)


def test_more_poison_than_acts_ends_the_worker_with_the_error_itself() -> None:
    """A release that fails over everything must stop, not throw the stream away."""
    poison, bench = list(range(COUNT)), Bench(PoisonPlan((("price", "bad-*"),)))
    bench.stage.apply(bench.partition, chunk_of(values(poison)))
    again = chunk_of(values(poison))
    bench.partition.extra["seen"] = Seen(SETTINGS.dedupe_horizon, FIRST)
    with pytest.raises(ValueError, match="no number") as raised:
        bench.stage.apply(bench.partition, again)
    assert "100 more acts failed" in raised.value.__notes__[0]
    assert len(bench.letters()) == COUNT


def test_what_is_refused_or_sent_on_behind_poison_keeps_its_place() -> None:
    """A chunk read without some of its records must not take one record's bytes for another's."""
    away = next(f"x:u{i}" for i in range(99) if partition_of(f"x:u{i}".encode(), SETTINGS.partitions) == 1)
    sound = values([])
    sound[2] = sound[2].replace(b"good-2", b"unread-2")
    sound[3] = b"{"
    sound[4] = json.dumps({**json.loads(sound[4]), "actor": away}).encode()
    sound[6] = sound[6].replace(b"good-6", b"unpriced-6")
    bench, chunk = Bench(PoisonPlan((("admit", "unread-*"), ("price", "unpriced-*")))), chunk_of(sound)
    bench.stage.apply(bench.partition, chunk)
    letters = [(one.offset - FIRST, one.reason.value, one.value) for one in bench.letters()]
    assert letters == [(2, "poison", sound[2]), (3, "undecodable", b"{"), (6, "poison", sound[6])]
    rerouted = bench.outbox._waiting[SETTINGS.topics.engagements.name, 1]
    assert [(key, value) for key, value, _ in rerouted] == [(away.encode(), sound[4])]
