"""Every user's score goes out under that user's key and tells of that user's row."""

from __future__ import annotations

import time
from typing import Any

import numba
import numpy as np
import pytest
from msgspec.structs import asdict

from schemas.kinds import KINDS
from schemas.published_map import PublishedMap
from schemas.score import Score, decode_score
from streams.clock import wall_ms
from streams.engine import framing
from streams.engine.batches import Producer, Records, encoded, grouped
from streams.engine.partition import Partition
from streams.engine.raw_fetch import read_fetch
from streams.metrics import Metrics
from streams.model.calibration import calibrated, histogram, percentile, score_of
from streams.model.parameters import Parameters
from streams.model.scoring import Reading, read
from streams.stages import rendering, score_text
from streams.stages.emission import Emission
from streams.stages.pending import pending_of
from streams.stages.versions import versions_of
from streams.stages.warm import warm

DAY, AT = 86_400, 1_790_000_000.0
TODAY = int(AT // DAY)
P = Parameters()
PEOPLE = histogram(np.geomspace(0.05, 1e4, 500), P.unscored_raw)
MAP = calibrated(PEOPLE, PEOPLE, epoch=1, as_of=AT)
PUBLISHED = PublishedMap(1, warm_up=False, basis=0, map=MAP)


class Log:
    """Frames and reads back what is appended; stands in for the writer."""

    def __init__(self) -> None:
        self.scores: dict[int, list[tuple[bytes | None, Score]]] = {}

    async def append_open(self, topic: str, partition: int, records: Records, *, lane: str) -> int:
        """Keep the records as a reader of the topic sees them."""
        raw = b"".join(encoded(batch, Producer(1, 0, 0), 0) for batch in grouped(records))
        chunk = read_fetch(topic, partition, raw, 0, check_crcs=True)
        found = [(key, decode_score(value or b"")) for key, value in zip(chunk.keys, chunk.values, strict=True)]
        self.scores.setdefault(partition, []).extend(found)
        return len(chunk) if lane else -1


def partition_of(number: int, users: list[str], seed: int) -> Partition:
    """Return a partition whose rows hold anything, in an order of slots that is not that of the names."""
    rng, n, partition = np.random.default_rng(seed), len(users), Partition(number, bytes(16))
    partition.slots([user.encode() for user in users])
    partition.active = True
    rows = partition.state.rows[:n]
    for name in ("known", "new", "kinds", "momentum", "reach", "bond_known", "bond_new", "shown", "target"):
        rows[name] = rng.lognormal(0, 2, rows[name].shape)
    for name in ("mass_at", "reach_at", "bond_at", "shown_at", "first_scored_at"):
        rows[name] = AT - rng.random(n) * 30 * DAY
    rows["day"] = TODAY - rng.integers(0, 9, n)
    rows["days"] = rng.integers(0, 99, rows["days"].shape)
    held = np.arange(5) < rng.integers(0, 6, n)[:, None]
    refs = rng.integers(0, 4, held.shape) << 60 | rng.integers(0, 4096, held.shape) << 48
    rows["top_ref"] = np.where(held, refs | rng.integers(0, 2**48, held.shape), -1)
    rows["top_at"], rows["top_mass"] = AT - rng.random(held.shape) * 9 * DAY, rng.lognormal(0, 2, held.shape)
    rows["got_last"] = rng.integers(1, 999, n)
    versions_of(partition).durable = 1 << 40
    pending_of(partition).waits[:n] = 0
    return partition


def emission(log: Log) -> Emission:
    return Emission("scores", 1.0, P, 'default@"1"', lambda: log, Metrics())  # type: ignore[arg-type, return-value]


def week(row: Any) -> list[int]:
    """Return the row's engagements by kind on the UTC day of AT and the six before, day by day."""
    days = {int(row["day"]) - back: row["days"][(int(row["day"]) - back) % 7] for back in range(7)}
    return [sum(int(count[kind]) for day, count in days.items() if TODAY - 7 < day <= TODAY) for kind in range(4)]


def events(row: Any) -> dict[tuple[int, int], tuple[str, int]]:
    """Return the row's top events by where they lie: kind and instant."""
    found = {}
    for ref, at in zip(row["top_ref"].tolist(), row["top_at"].tolist(), strict=True):
        if ref >= 0:
            found[ref >> 48 & 0xFFF, ref & (1 << 48) - 1] = KINDS[ref >> 60], round(at * 1000)
    return found


async def emitted(*partitions: Partition, slots: list[int]) -> Log:
    log = Log()
    for partition in partitions:
        pending_of(partition).mark(np.array(slots), 1_700 + partition.number)
    assert await emission(log).emit(list(partitions), AT, PUBLISHED) == len(partitions) * len(slots)
    return log


def assert_tells_of(score: Score, row: Any, reading: Reading) -> None:
    """`row` is the user's after the emission, `reading` of that row alone."""
    assert (score.score, score.target_score) == (round(max(row["shown"], 1.0), 1), round(row["target"], 3))
    assert (score.raw, score.momentum, score.reach) == (reading.raw, reading.momentum, reading.reach)
    assert score.relationships == score_of(reading.relationships, MAP.relationships, P)[0].round(1)
    assert score.percentile == (100 * percentile(reading.raw, MAP.influence))[0].round(3)
    assert score.provisional == (AT - row["first_scored_at"] < P.provisional_s)
    assert list(asdict(score.parts).values()) == reading.parts[0].tolist()
    assert list(asdict(score.counts_7d).values()) == week(row)
    assert {(m.partition, m.offset): (m.kind, m.occurred_at_ms) for m in score.moments} == events(row)
    assert [m.mass for m in score.moments] == sorted((m.mass for m in score.moments), reverse=True)
    assert (score.as_of, score.model) == (round(AT * 1000), 'default@"1"')


async def test_a_score_tells_of_its_own_user_and_nobody_else() -> None:
    """Scores of all partitions are made together: one row aside, and everybody has a neighbour's score."""
    users = [f"x:{i}é\\{'y' * (i % 5)}" for i in range(40)]
    partitions = [partition_of(number, users[number:], number) for number in (3, 5)]
    before = {p.number: p.state.rows.copy() for p in partitions}
    slots = [2, 9, 17, 30, 33]
    log = await emitted(*partitions, slots=slots)
    for partition in partitions:
        scores = log.scores[partition.number]
        assert [key for key, _ in scores] == [partition.index.key(slot) for slot in slots]
        assert [score.user.encode() for _, score in scores] == [key for key, _ in scores]
        assert len({score.version for _, score in scores}) == len(slots)
        assert {score.produced_at_ms for _, score in scores} == {1_700 + partition.number}
        for slot, (_, score) in zip(slots, scores, strict=True):
            reading = read(before[partition.number][slot : slot + 1], AT, P)
            assert_tells_of(score, partition.state.rows[slot], reading)


async def test_the_age_of_the_oldest_engagement_behind_scores_is_measured() -> None:
    """Scores that only time has moved say nothing of how far the pipeline lags."""
    partition, log = partition_of(0, [f"x:{i}" for i in range(9)], 7), Log()
    stage = emission(log)
    pending_of(partition).mark(np.array([1, 2]))
    await stage.emit([partition], AT, PUBLISHED)
    assert stage.metrics.scored_seconds._sum.get() == 0
    pending_of(partition).mark(np.array([3, 4]), wall_ms() - 5_000)
    await stage.emit([partition], AT, PUBLISHED)
    assert 5 <= stage.metrics.scored_seconds._sum.get() < 60


async def test_only_users_that_are_due_change() -> None:
    """A row beside a sent one must not be marked as sent: after a crash its score would never go out."""
    partition = partition_of(0, [f"x:{i}" for i in range(20)], 7)
    before = partition.state.rows.copy()
    await emitted(partition, slots=[4, 11])
    unsent = np.delete(np.arange(len(before)), [4, 11])
    assert partition.state.rows[unsent].tobytes() == before[unsent].tobytes()
    assert np.flatnonzero(partition.state.dirty).tolist() == [4, 11]
    sent = partition.state.rows[[4, 11]]
    assert sent["sent_last"].tolist() == before["got_last"][[4, 11]].tolist()
    assert sent["sent_score"].tolist() == sent["shown"].round(1).tolist()


async def test_what_the_broker_did_not_acknowledge_is_not_marked_as_sent() -> None:
    """A successor sends again exactly what the rows call unsent."""

    class Broken(Log):
        async def append_open(self, topic: str, partition: int, records: Records, *, lane: str) -> int:
            raise ConnectionError(topic, partition, len(records), lane)

    partition = partition_of(0, ["x:a", "x:b"], 7)
    pending_of(partition).mark(np.array([1]))
    with pytest.raises(ConnectionError):
        await emission(Broken()).emit([partition], AT, PUBLISHED)
    assert partition.state.rows["sent_last"][1] == 0


class Spy:
    """A kernel that notes what types it was called with: each set of them is compiled apart."""

    def __init__(self, kernel: Any) -> None:
        self.kernel, self.seen = kernel, set[tuple[Any, ...]]()

    def __call__(self, *args: Any) -> Any:
        """Return what the kernel returns."""
        self.seen.add(tuple(map(numba.typeof, args)))
        return self.kernel(*args)


async def test_everything_is_compiled_before_the_first_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel compiled between two polls holds a worker up for seconds, and its group throws it out."""
    spies = []
    for module, name in (
        (framing, "_gather"),
        (framing, "_put_all"),
        (score_text, "_put_scores"),
        (rendering, "_seven_days"),
    ):
        spies.append(Spy(getattr(module, name)))
        monkeypatch.setattr(module, name, spies[-1])
    warm()
    before = [set(spy.seen) for spy in spies]
    await emitted(partition_of(0, ["x:a", "x:b"], 7), partition_of(1, ["x:c", "x:d"], 7), slots=[0, 1])
    await emitted(partition_of(0, ["x:a"], 7), slots=[0])
    assert all(before)
    assert [spy.seen for spy in spies] == before


async def test_a_wall_clock_that_jumps_back_holds_no_score_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose clock was an hour ahead must not keep its users waiting for that hour."""
    log, partition = Log(), partition_of(0, ["x:a"], seed=3)
    often = Emission("scores", 0.0, P, "m", lambda: log, Metrics())  # type: ignore[arg-type, return-value]
    for wall in (AT + 3_600, AT):
        monkeypatch.setattr(time, "time", lambda now=wall: now)
        pending_of(partition).mark(np.array([0]))
        assert await often.emit([partition], AT, PUBLISHED) == 1


async def test_a_user_is_due_also_when_the_machine_has_just_started() -> None:
    """The steady clock begins near zero: never sent is not sent a moment ago."""
    pending = pending_of(partition_of(0, ["x:a"], seed=3))
    pending.mark(np.array([0, 5_000]))
    assert pending.due(0.2, 1.0, 10).tolist() == [0, 5_000]
