"""What a sweep marks: whoever has something new to tell, and nobody else, however much time goes by."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.published_map import PublishedMap
from streams.engine.partition import Partition
from streams.model.calibration import calibrated, histogram, score_of
from streams.model.parameters import DAY_S, HOUR_S, Parameters
from streams.model.scoring import raw, read
from streams.stages.pending import pending_of
from streams.stages.sweep import Swept, sweep

P = Parameters()
AT = 1_790_000_000.0 // HOUR_S * HOUR_S
COUNT = 300
SLOTS = np.arange(COUNT)


def partition_of(at: float) -> Partition:
    """Return a partition of people who got what they have within the last days."""
    rng, partition = np.random.default_rng(3), Partition(0, bytes(16))
    partition.slots([b"x:%d" % number for number in range(COUNT)])
    rows = partition.state.rows[:COUNT]
    rows["known"] = rng.lognormal(1, 2, (COUNT, 1))
    rows["kinds"][:, 0] = rows["known"]
    rows["mass_at"] = at - rng.random(COUNT) * 3 * DAY_S
    rows["day"] = rows["mass_at"] // DAY_S
    rows["got_last"] = 1
    return partition


def published(partition: Partition, at: float, version: int = 1) -> PublishedMap:
    sketch = histogram(raw(partition.state.live(), at, P), P.unscored_raw)
    fitted = calibrated(sketch, sketch, epoch=int(at // HOUR_S), as_of=at)
    return PublishedMap(version, warm_up=False, basis=0, map=fitted)


def send(partition: Partition, at: float, under: PublishedMap) -> None:
    """Bring everybody's score to `at` and note it as sent, as an emission does."""
    rows = partition.state.rows[:COUNT]
    reading = read(rows, at, P, weighed_at=under.map.as_of)
    rows["target"] = score_of(reading.raw, under.map.influence, P)
    rows["shown"] = np.where(rows["first_scored_at"] < np.inf, rows["shown"], rows["target"])
    rows["first_scored_at"] = np.minimum(rows["first_scored_at"], at)
    rows["shown_at"] = at
    rows["sent_last"], rows["sent_score"] = rows["got_last"], rows["shown"].round(1)
    pending_of(partition).waits[:] = 0


async def marked(
    partition: Partition, at: float, under: PublishedMap, last: Swept | None = None
) -> tuple[list[int], Swept]:
    swept = await sweep(partition, 1, at, under, P, last)
    return np.flatnonzero(pending_of(partition).waits).tolist(), swept


async def settled(at: float = AT) -> tuple[Partition, PublishedMap, Swept]:
    partition = partition_of(at)
    under = published(partition, at)
    send(partition, at, under)
    found, swept = await marked(partition, at, under)
    assert found == []
    return partition, under, swept


@pytest.mark.parametrize("last", ["known", "unknown"])
async def test_time_alone_marks_nobody_while_a_map_is_in_force(last: str) -> None:
    """All masses decay, and nobody's place among the others moves: no record is worth sending."""
    partition, under, swept = await settled()
    for seconds in (5, 600, 3_500):
        found, _ = await marked(partition, AT + seconds, under, swept if last == "known" else None)
        assert found == []


async def test_a_new_map_marks_those_whose_target_it_moves() -> None:
    partition, _, swept = await settled()
    rows = partition.state.rows[:COUNT]
    later = AT + HOUR_S
    under = published(partition, later, version=2)
    target = score_of(raw(rows, later, P), under.map.influence, P)
    found, _ = await marked(partition, later, under, swept)
    assert set(np.flatnonzero(np.abs(target - rows["target"]) >= 0.02)) <= set(found)
    assert 10 < len(found) < COUNT


async def test_a_score_on_its_way_is_marked_at_every_tenth_and_not_between() -> None:
    """Shown scores fall by 1.1 points a day: a tenth in 131 minutes."""
    partition, under, swept = await settled()
    rows = partition.state.rows[:COUNT]
    rows["shown"][5] = rows["sent_score"][5] = round(rows["target"][5] + 20, 1)
    assert (await marked(partition, AT + 3_500, under, swept))[0] == []
    assert (await marked(partition, AT + 4_000, under, swept))[0] == [5]


async def test_momentum_that_faded_is_told_once_an_hour() -> None:
    """A leaderboard by momentum must not show last night's for ever."""
    partition, under, swept = await settled()
    partition.state.rows["momentum"][7] = 30.0
    assert (await marked(partition, AT + 3_500, under, swept))[0] == []
    assert (await marked(partition, AT + HOUR_S, under, swept))[0] == [7]


async def test_a_new_day_is_told_to_those_who_got_anything_in_seven_days() -> None:
    """Counts of seven days shrink at midnight."""
    midnight = AT // DAY_S * DAY_S + DAY_S
    partition, under, swept = await settled(midnight - HOUR_S)
    partition.state.rows["day"][11] = midnight // DAY_S - 8
    found, _ = await marked(partition, midnight, under, swept)
    assert found == [slot for slot in SLOTS if slot != 11]


async def test_sketches_are_of_the_instant_while_a_map_is_due_and_kept_between() -> None:
    """A map is merged from what every partition says of its new hour."""
    partition, under, swept = await settled()
    _, between = await marked(partition, AT + 1_800, under, swept)
    assert (between.influence, between.at_s) == (swept.influence, AT + 1_800)
    _, due = await marked(partition, AT + HOUR_S, under, between)
    assert due.influence == histogram(raw(partition.state.live(), AT + HOUR_S, P), P.unscored_raw)
    assert due.influence != swept.influence


async def test_a_map_that_is_no_longer_renewed_is_left_behind() -> None:
    """Masses weighed at an instant ever longer ago would grow without end."""
    partition, under, swept = await settled()
    found, swept = await marked(partition, AT + 3 * HOUR_S, under, swept)
    assert swept.weighed_at == AT + HOUR_S
    assert len(found) > 10
