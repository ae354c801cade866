"""The granted log: what is found again, what expires, and how it lies in segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.credit import ESTABLISHED
from schemas.granted import GRANTED
from streams.model.granted import GrantedLog, Refusal
from streams.model.granted_segments import FEW, MOST

HOUR = 3600.0


def log_of(count: int, first: int = 0, window_s: float = HOUR, at: float = 0.0) -> GrantedLog:
    log = GrantedLog()
    log.window_s = window_s
    more(log, count, first, at)
    return log


def more(log: GrantedLog, count: int, first: int, at: float = 0.0) -> None:
    offsets = np.arange(first, first + count)
    hashes, flags = np.full(count, 7, np.uint64), np.full(count, 1 + ESTABLISHED, np.uint8)
    log.add(offsets.astype(np.uint64) + np.uint64(100), np.full(count, at), offsets / 8, offsets, flags, hashes, hashes)


def held(changes: list[tuple[int, Any]]) -> dict[int, int | None]:
    return {first: None if entries is None else len(entries) for first, entries in changes}


def test_an_act_is_found_with_what_it_gave_and_once() -> None:
    log = log_of(1000)
    found = log.take(600, 5.0, 1000)
    assert (found["mass"], found["offset"], found["marks"]) == (500 / 8, 500, 1 + ESTABLISHED)
    assert log.take(600, 5.0, 1000) == found, "the same undo read again"
    assert log.take(600, 5.0, 1001) is Refusal.REPEATED
    assert log.take(99, 5.0, 1002) is Refusal.UNKNOWN
    assert log.position == 1000


def test_the_newest_act_of_a_key_is_taken_back() -> None:
    """Beyond the horizon of repeats an act may have counted twice; what was taken back may have been done anew."""
    log = log_of(10)
    assert log.take(105, 0.0, 10)["offset"] == 5
    log.add(
        *(np.array([x]) for x in (np.uint64(105), 1.0, 9.0, 11)), np.zeros(1, np.uint8), *[np.ones(1, np.uint64)] * 2
    )  # type: ignore[arg-type]
    assert log.take(105, 0.0, 12)["mass"] == 9.0
    assert log.take(105, 0.0, 13) is Refusal.REPEATED
    assert log.take(105, 0.0, 10)["offset"] == 5, "read again, the earlier undo finds the earlier act"


@pytest.mark.parametrize(("late_s", "kept"), [(HOUR, 1), (HOUR + 1, 0)])
def test_an_act_that_comes_later_than_the_window_is_not_entered(late_s: float, kept: int) -> None:
    """A history read in behind the present would otherwise be kept until the present has moved on."""
    log = log_of(1, at=late_s)
    more(log, 1, first=1)
    assert len(log) == 1 + kept


def test_without_a_window_nothing_is_kept() -> None:
    log = log_of(10, window_s=0.0)
    assert len(log) == 0
    assert log.take(105, 0.0, 10) is Refusal.UNKNOWN
    assert not log.is_dirty


def test_expired_segments_go_one_barrier_after_they_expired() -> None:
    """An undo between two barriers may have to be decided again, with what there was."""
    log = log_of(FEW)
    assert held(log.changes()[:1]) == {0: FEW}
    assert not log.is_dirty
    more(log, FEW, first=FEW, at=HOUR + 1)
    assert held(log.changes()) == {FEW: FEW}
    more(log, 1, first=2 * FEW, at=HOUR + 1)
    assert held(log.changes()) == {0: None, 2 * FEW: 1}
    assert (len(log), log.take(100, 0.0, 3 * FEW)) == (FEW + 1, Refusal.UNKNOWN)


def test_a_small_last_segment_is_written_again_with_what_follows() -> None:
    """A quiet partition would otherwise leave a segment for every second of the window."""
    log = log_of(3)
    assert held(log.changes()) == {0: 3}
    more(log, MOST, first=3)
    assert held(log.changes()) == {0: MOST, MOST: 3}


def test_what_is_loaded_is_what_was_written_in_whatever_order_it_lies() -> None:
    """The broker keeps of each segment what was written last, and so changes their order."""
    log = log_of(MOST + 700)
    written = dict(log.changes())
    log.take(100, 0.0, MOST + 700)
    log.forget(np.array([1], np.uint64))
    written |= dict(log.changes())
    copy = GrantedLog()
    copy.window_s = HOUR
    for first, entries in sorted(written.items(), reverse=True):
        copy.load(first, entries)
    assert copy.entries.tobytes() == log.entries.tobytes()
    assert copy.take(100, 0.0, MOST + 701) is Refusal.REPEATED
    copy.load(0, None)
    assert copy.entries["offset"][0] == MOST


def test_who_left_cannot_be_found() -> None:
    log = log_of(10)
    log.changes()
    more(log, 5, first=10)
    log.forget(np.array([7 + (9 << 32)], np.uint64))
    assert log.take(105, 0.0, 20) is Refusal.UNKNOWN
    assert (log.entries["key"] == 0).all()
    assert held(log.changes()) == {0: 15}


def test_memory_is_what_the_documents_say() -> None:
    """41 bytes an act, and up to 24 more for its index from the first undo on; room to grow apart."""
    log = log_of(100_000)
    assert GRANTED.itemsize == 41
    assert log.nbytes <= 41 * 1.25 * 100_000
    log.take(105, 0.0, 100_000)
    assert log.nbytes <= (41 + 8) * 1.25 * 100_001 + 16 * 100_001


def test_a_log_that_moves_on_holds_no_more_than_its_window() -> None:
    """Room is used again; what is found stays right."""
    log = log_of(0, window_s=10.0)
    for second in range(200):
        more(log, 1_000, first=second * 1_001, at=float(second))
        found = log.take(second * 1_001 + 100 + 5, float(second), second * 1_001 + 1_000)
        assert found["offset"] == second * 1_001 + 5
        log.changes()
    assert len(log) <= 13 * 1_001
    assert log.nbytes < 100 * 20 * 1_001
