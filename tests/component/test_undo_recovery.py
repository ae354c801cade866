"""A barrier cut short anywhere: what had become durable and the log, read again, decide every undo as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.credit import decode_credits
from streams.engine.batches import Batch
from streams.engine.changelog import packed
from streams.engine.dedupe import Seen
from streams.engine.partition import Partition
from streams.engine.restore import apply
from streams.engine.snapshot import take
from tests.component.linked_world import KEY, SETTINGS, home
from tests.component.logs import chunk_of_batches
from tests.component.undoing_world import Undoing

HERE = [f"x:h{i}" for i in range(40) if home(f"x:h{i}") == 0][:3]
Told = tuple[int, int]
DOES, UNDOES = st.tuples(st.integers(0, 2), st.integers(1, 2)), st.tuples(st.just(-1), st.integers(0, 2))
EARLY = -2


def tell(world: Undoing, told: list[Told]) -> None:
    """Have acts appended, (actor, how far the target is away), and undos, (-1, how many acts back)."""
    for actor, number in told:
        if actor >= 0:
            world.does(HERE[actor], HERE[(actor + number) % 3])
        elif world.done:
            world.undoes(max(0, len(world.done) - 1 - number))
            if actor == EARLY:
                early = world.engagements[0].pop()
                world.engagements[0].insert(len(world.engagements[0]) - 1, early)


def written(partition: Partition) -> list[Batch]:
    """Run a barrier; return its batches, one for each user."""
    snapshot = take(partition)
    return [] if snapshot is None else list(packed(snapshot, target=1))


def known(partition: Partition) -> tuple[Any, ...]:
    """Return all that a partition holds of its users."""
    state, keys = partition.state, partition.index.keys()
    rows = {keys[i]: state.rows[i].tobytes() for i in range(len(keys))}
    pairs = {
        (keys[user], int(other)): slot.tobytes()
        for user, other, slot in zip(state.pairs.users, state.pairs.others, state.pairs.slots, strict=True)
    }
    return rows, pairs, partition.granted.entries.tobytes()


def sent(world: Undoing) -> set[tuple[int, bytes]]:
    """Return offset and content of each event that the actor stage has forwarded."""
    asyncio.run(world.forwarder.flush())
    records = [decode_credits(value) for values in world.credits.values() for value in values]
    found = set()
    for c in records:
        offsets = c.first + c.events["offset_delta"].astype(int)
        plain = c.events.copy()
        plain["offset_delta"] = plain["target"] = 0
        found |= set(zip(offsets.tolist(), [event.tobytes() for event in plain], strict=True))
    return found


@settings(max_examples=80, deadline=None)
@example(before=[], between=[(0, 1), (-1, 0), (0, 1)], share=0.3)
@example(before=[(0, 1)], between=[(-1, 0), (1, 1)], share=0.3)
@example(before=[], between=[(0, 1), (EARLY, 0)], share=0.3)
@given(
    before=st.lists(st.one_of(DOES, UNDOES), max_size=6),
    between=st.lists(st.one_of(DOES, DOES, UNDOES), min_size=2, max_size=10),
    share=st.sampled_from((0.0, 0.3, 0.5, 0.7, 1.0)),
)
def test_a_prefix_of_a_barrier_and_the_log_make_the_same_state(
    before: list[Told], between: list[Told], share: float
) -> None:
    """Nothing is given or taken twice, and what is forwarded again is what was forwarded before."""
    world = Undoing()
    tell(world, before)
    world.apply_acts(0)
    batches = written(world.partitions[0])
    tell(world, between)
    world.apply_acts(0)
    forwarded, expected = sent(world), known(world.partitions[0])
    torn = written(world.partitions[0])
    batches += torn[: round(share * len(torn))]
    again = Undoing()
    again.engagements, again.partitions[0] = world.engagements, Partition(0, KEY)
    if batches:
        apply(again.partitions[0], chunk_of_batches(0, batches))
    again.partitions[0].extra["seen"] = Seen(SETTINGS.dedupe_horizon, 0)
    again.apply_acts(0)
    assert known(again.partitions[0]) == expected
    assert sent(again) <= forwarded


@pytest.mark.parametrize("gone", HERE[:2])
def test_a_new_owner_knows_no_more_of_who_left_than_the_old_one(gone: str) -> None:
    """The segments of the log that told of them are written anew."""
    world = Undoing()
    tell(world, [(0, 1), (2, 2), (1, 1), (2, 1)])
    world.apply_acts(0)
    batches = written(world.partitions[0])
    world.tell("forget", gone)
    asyncio.run(world.departure._delete(world.partitions[0], 1))
    batches += written(world.partitions[0])
    copy = Partition(0, KEY)
    apply(copy, chunk_of_batches(0, batches))
    entries = copy.granted.entries
    assert entries.tobytes() == world.partitions[0].granted.entries.tobytes()
    assert (entries["key"] == 0).sum() == {HERE[0]: 2, HERE[1]: 3}[gone]
