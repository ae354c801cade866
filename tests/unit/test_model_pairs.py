"""The pair table: an exact map that grows, forgets and comes back from the changelog."""

from __future__ import annotations

import numpy as np

from schemas.rows import empty_pairs
from streams.model.pairs import PairTable
from streams.model.parameters import DAY_S, Parameters, with_settings

P = Parameters()
T = 1_780_000_000.0


def keys(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` different (user slot, hash) pairs, many of which share a user or a hash."""
    random = np.random.default_rng(seed)
    table = random.permutation(count * 3)[:count]
    return table % 97, (table // 97).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def test_every_pair_keeps_its_own_number_while_the_table_grows() -> None:
    """A mixed-up slot would credit a stranger."""
    table, (users, others) = PairTable(), keys(5000)
    first = table.find_or_add(users[:700], others[:700])
    assert (first == np.arange(700)).all()
    assert (table.find_or_add(users, others) == np.arange(5000)).all()
    assert (table.find(users, others) == np.arange(5000)).all()
    assert (table.users == users).all()
    assert (table.others == others).all()
    assert (table.find(users, others + np.uint64(1)) == -1).all()


def test_hashes_with_the_top_bit_are_no_different() -> None:
    """Hashes use all 64 bits."""
    table, others = PairTable(), np.array([2**64 - 1, 2**63, 0], np.uint64)
    assert table.find_or_add(np.zeros(3, np.int64), others).tolist() == [0, 1, 2]
    assert table.find(np.zeros(3, np.int64), others).tolist() == [0, 1, 2]


def test_a_new_slot_is_empty_and_never_touched() -> None:
    """Zero is an instant: a slot that has not been used says so by infinity."""
    table = PairTable()
    table.find_or_add(*keys(2000))
    assert table.slots.tobytes() == empty_pairs(2000).tobytes()


def test_loading_is_the_inverse_of_reading() -> None:
    """Recovery brings back what was written, clean, and the last record of a pair holds."""
    users, others = keys(3000)
    values = empty_pairs(3000)
    values["granted"] = np.arange(3000)
    table = PairTable()
    table.load(users, others, np.zeros(3000, values.dtype))
    table.load(users, others, values)
    assert len(table) == 3000
    assert table.slots.tobytes() == values.tobytes()
    assert not len(table.dirty_indices())


def test_removal_keeps_the_others_findable() -> None:
    """What stays keeps its slot and its dirty flag, under a new number."""
    users, others = keys(3000)
    table = PairTable()
    table.find_or_add(users, others)
    table.slots["given"] = np.arange(3000)
    table.dirty[::2] = True
    gone = np.arange(3000) % 3 == 0
    removed = table.remove(gone)
    assert (removed[0] == users[gone]).all()
    assert (removed[1] == others[gone]).all()
    assert (table.find(users[gone], others[gone]) == -1).all()
    numbers = table.find(users[~gone], others[~gone])
    assert (table.slots["given"][numbers] == np.arange(3000)[~gone]).all()
    assert (table.dirty[numbers] == (np.arange(3000)[~gone] % 2 == 0)).all()


def test_expiry_drops_what_reads_as_empty_and_nothing_else() -> None:
    """A mass of one is gone after 47 days, not after 46."""
    table = PairTable()
    users, others = np.zeros(2, np.int64), np.array([1, 2], np.uint64)
    table.find_or_add(users, others)
    table.slots["given"], table.slots["granted"] = [1, 0], [1, 0]
    table.slots["got"] = [0, 1]
    table.slots["given_at"], table.slots["got_at"] = [T, -np.inf], [-np.inf, T]
    assert len(table.expire(T + 46 * DAY_S, P)[0]) == 0
    assert table.expire(T + 47 * DAY_S, P)[1].tolist() == [1, 2]
    assert len(table) == 0


def test_a_celebrity_keeps_the_newest_admirers() -> None:
    """One-way slots are bounded per user, oldest out; two-way slots never count among them."""
    bound = with_settings(P, {"max_admirers": 3})
    table = PairTable()
    users = np.array([0] * 6 + [1] * 2)
    others = np.arange(8).astype(np.uint64)
    table.find_or_add(users, others)
    table.slots["got"] = 1
    table.slots["got_at"] = T + np.array([5, 4, 3, 2, 1, 0, 0, 0])
    table.slots["given_at"] = -np.inf
    table.slots["given_at"][5] = T
    assert sorted(table.expire(T, bound)[1].tolist()) == [3, 4]
