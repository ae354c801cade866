"""The changelog holds users whole: no batch ends inside one, and reading back gives the same state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BrokenGuaranteeError
from schemas.rows import PAIR_VERSION, USER_VERSION
from streams.engine import snapshot
from streams.engine.batches import Batch, Producer, encoded, grouped
from streams.engine.changelog import packed
from streams.engine.chunk import Chunk
from streams.engine.hashing import hash_id
from streams.engine.layout import CLAIM, PAIR_BYTES, USER_BYTES
from streams.engine.partition import Partition
from streams.engine.raw_fetch import read_fetch
from streams.engine.records import Record
from streams.engine.restore import apply

HASH_KEY = bytes(range(16))
ACTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4), st.booleans()), max_size=25)
"""(user, other, and whether the pair is removed instead of changed)."""
LEAVES = st.lists(st.integers(0, 8), max_size=3)


@dataclass
class Log:
    """A partition of the changelog in memory."""

    raw: bytes = b""
    end: int = 0
    batches: list[Batch] = field(default_factory=list)

    def append(self, batch: Batch) -> None:
        """Append at the end, as a broker does."""
        whole = encoded(batch, Producer(0, 0, 0), 0)
        self.raw += self.end.to_bytes(8, "big") + whole[8:]
        self.end += batch.count
        self.batches.append(batch)

    def chunk(self, first: int = 0) -> Chunk:
        """Return everything from `first` on."""
        return read_fetch("log", 0, self.raw, first, check_crcs=True)


def key_of(user: int) -> bytes:
    return b"net:user-%d" % user * (1 + user % 3)


def act(partition: Partition, acts: list[tuple[int, int, bool]], serial: int) -> None:
    """Change rows and pairs as a stage would, every number a fresh one."""
    for number, (user, other, removed) in enumerate(acts):
        slot = partition.slots([key_of(user)])
        state, stamp = partition.state, serial * 1000 + number + 1
        state.rows["given_last"][slot] = stamp
        state.dirty[slot] = True
        others = np.array([other], np.uint64)
        if removed:
            gone = np.zeros(len(state.pairs), np.bool_)
            found = state.pairs.find(slot, others)
            gone[found[found >= 0]] = True
            partition.pairs_removed(*state.pairs.remove(gone))
        else:
            pair = state.pairs.find_or_add(slot, others)
            state.pairs.slots["granted"][pair] = stamp
            state.pairs.dirty[pair] = True


def contents(
    partition: Partition,
) -> tuple[dict[bytes, bytes], dict[tuple[bytes, int], bytes], dict[bytes, bytes]]:
    """Rows by user, pairs, metas."""
    state, pairs = partition.state, partition.state.pairs
    rows = {key: state.rows[slot].tobytes() for slot, key in enumerate(partition.index.keys()) if key}
    found = {
        (partition.index.key(int(user)), int(other)): slot.tobytes()
        for user, other, slot in zip(pairs.users, pairs.others, pairs.slots, strict=True)
    }
    return rows, found, dict(partition.meta)


def flush(partition: Partition, log: Log, target: int) -> None:
    taken = snapshot.take(partition)
    for batch in packed(taken, target) if taken else ():
        log.append(batch)


@given(st.lists(ACTS, min_size=1, max_size=4), st.integers(1, 2000))
def test_reading_back_gives_the_same_state(barriers: list[list[tuple[int, int, bool]]], target: int) -> None:
    """Recovery starts from nothing but the log."""
    source, copy, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    for serial, acts in enumerate(barriers):
        act(source, acts, serial)
        source.set_meta(b"wm", b"%d" % serial)
        flush(source, log, target)
        assert not source.is_dirty
    apply(copy, log.chunk())
    assert contents(copy) == contents(source)
    assert not copy.is_dirty
    assert copy.position == log.end - 1


@given(st.lists(st.tuples(ACTS, LEAVES, ACTS), min_size=1, max_size=4), st.integers(1, 2000))
def test_who_left_is_gone_after_any_history(
    barriers: list[tuple[list[Any], list[int], list[Any]]], target: int
) -> None:
    """With row, pairs and key, here and in whatever is read back; somebody who returns starts from nothing."""
    source, copy, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    for serial, (before, leaving, after) in enumerate(barriers):
        act(source, before, 2 * serial)
        gone = [key_of(user) for user in leaving]
        here = [key for key in gone if source.index.find(key) >= 0]
        left = source.leave(np.array([hash_id(key, HASH_KEY) for key in gone], np.uint64))
        assert sorted(left) == sorted(set(here))
        assert all(key not in source.index.arena.tobytes() for key in gone if key.count(b"net") == 1)
        assert not any(source.index.find(key) >= 0 for key in gone)
        act(source, after, 2 * serial + 1)
        flush(source, log, target)
        assert not source.is_dirty
    apply(copy, log.chunk())
    assert contents(copy) == contents(source)
    assert not copy.is_dirty


def test_pairs_of_others_with_somebody_who_left_are_gone() -> None:
    """What the others remember of the one who left is the one's, too."""
    partition, copy, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    gone = hash_id(b"net:gone", HASH_KEY)
    act(partition, [(1, 1, False), (2, gone, False), (2, 3, False)], 0)
    flush(partition, log, 900)
    assert partition.leave(np.array([gone], np.uint64)) == []
    flush(partition, log, 900)
    apply(copy, log.chunk())
    assert set(contents(copy)[1]) == {(key_of(1), 1), (key_of(2), 3)}
    assert contents(copy) == contents(partition)


@given(ACTS, st.integers(1, 3000))
def test_no_user_is_split_over_two_batches(acts: list[tuple[int, int, bool]], target: int) -> None:
    """A crash between two batches must find row and pairs of the same moment."""
    partition, log = Partition(0, HASH_KEY), Log()
    act(partition, acts, 0)
    flush(partition, log, target)
    homes: dict[bytes, set[int]] = {}
    for number, batch in enumerate(log.batches):
        single = Log()
        single.append(batch)
        for key in single.chunk().keys:
            assert key is not None
            user = key[9:] if key[0] == 1 else key
            homes.setdefault(user, set()).add(number)
    assert all(len(numbers) == 1 for numbers in homes.values())
    assert set(homes) == {key_of(user) for user, _, _ in acts}


def test_batches_end_near_their_target() -> None:
    """Large barriers are cut, small ones are not."""
    partition, log = Partition(0, HASH_KEY), Log()
    act(partition, [(user, other, False) for user in range(9) for other in range(5)], 0)
    flush(partition, log, 2000)
    assert 1 < len(log.batches) <= 9
    assert all(len(batch.body) <= 2000 for batch in log.batches)


def test_a_changed_pair_brings_its_users_row_along() -> None:
    """Even when the stage forgot to mark the row."""
    partition, copy, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    slot = partition.slots([b"net:a"])
    pair = partition.state.pairs.find_or_add(slot, np.ones(1, np.uint64))
    partition.state.pairs.dirty[pair] = True
    flush(partition, log, 900)
    apply(copy, log.chunk())
    assert copy.index.keys() == [b"net:a"]


def test_metas_follow_the_rows_they_speak_of() -> None:
    """A watermark that is durable before its rows would drop forwards for good."""
    partition, log = Partition(0, HASH_KEY), Log()
    act(partition, [(user, 0, False) for user in range(9)], 0)
    partition.set_meta(b"wm", b"1")
    flush(partition, log, 1)
    assert len(log.batches) == 9
    assert log.chunk().keys[-1] == b"\x00wm"


def test_what_the_state_contains_is_passed_over() -> None:
    """A standby that is promoted reads its last batch again."""
    partition, copy, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    act(partition, [(1, 1, False)], 0)
    flush(partition, log, 900)
    assert apply(copy, log.chunk()) == 2
    copy.state.rows["given_last"][0] = 77
    assert apply(copy, log.chunk()) == 0
    assert copy.state.rows["given_last"][0] == 77


def test_records_of_others_do_not_overwrite_unsaved_changes() -> None:
    """Then two workers believed they owned the partition, and either answer would be a guess."""
    partition, other, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    act(other, [(1, 1, False)], 0)
    flush(other, log, 900)
    act(partition, [(2, 2, False)], 0)
    with pytest.raises(BrokenGuaranteeError, match="grew to 1 under unsaved changes"):
        apply(partition, log.chunk())


def test_claims_do_not_count_as_records_of_others() -> None:
    """Every owner's own claim stands in the log."""
    partition, log = Partition(0, HASH_KEY), Log()
    act(partition, [(2, 2, False)], 0)
    log.append(next(grouped([(CLAIM, b"1/2", ())])))
    assert apply(partition, log.chunk()) == 0
    assert partition.position == 0
    assert partition.meta == {}


def pair_key(user: bytes) -> bytes:
    return b"\x01" + bytes(8) + user


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (
            (b"net:a", bytes((USER_VERSION + 1,)) + bytes(USER_BYTES - 1), ()),
            f"layout version {USER_VERSION + 1}",
        ),
        ((b"net:a", bytes((USER_VERSION,)) + bytes(USER_BYTES), ()), f"with {USER_BYTES + 1} bytes"),
        ((pair_key(b"net:a"), bytes((PAIR_VERSION + 1,)) + bytes(PAIR_BYTES - 1), ()), "x01"),
        ((b"\x02new kind", b"", ()), "x02new kind"),
        ((None, b"", ()), "key"),
    ],
)
def test_a_record_of_another_layout_is_refused_by_name(record: Record, named: str) -> None:
    """Skipping it would lose that user for good, and nobody would know."""
    partition, log = Partition(0, HASH_KEY), Log()
    log.append(next(grouped([record])))
    with pytest.raises(BrokenGuaranteeError, match="changelog record log-0 offset 0") as refusal:
        apply(partition, log.chunk())
    assert named in str(refusal.value)


def test_stage_memory_goes_when_the_log_moved_without_this_worker() -> None:
    """What a stage remembers about offsets is wrong once somebody else went on from them."""
    partition, other, log = Partition(0, HASH_KEY), Partition(0, HASH_KEY), Log()
    act(other, [(1, 1, False)], 0)
    flush(other, log, 900)
    partition.extra["seen"] = object()
    apply(partition, log.chunk())
    assert partition.extra == {}


def test_a_clean_partition_has_no_snapshot() -> None:
    """An idle partition costs nothing at a barrier."""
    partition: Any = Partition(0, HASH_KEY)
    assert snapshot.take(partition) is None
    partition.slots([b"net:a"])
    assert snapshot.take(partition) is None
