"""Whose events no longer count, by keyed hash and append time alone."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.command import Command, encode_command, subject_of
from streams.stages.suppression import Suppression

ANN, BOB = 7, 2**64 - 1


def told(*commands: tuple[str, int, int]) -> Suppression:
    """Return what is known after commands (name, subject, append time), one offset each."""
    found = Suppression()
    for offset, (name, subject, at_ms) in enumerate(commands):
        value = encode_command(Command(f"c{offset}", name, subject_of(subject), 0, "test"))  # type: ignore[arg-type]
        found.take(offset, at_ms, value)
    return found


def drops(said: Suppression, subject: int, *appended_ms: int) -> list[bool]:
    times = np.array(appended_ms, np.int64)
    found: list[bool] = said.drops(np.full(len(times), subject, np.uint64), times).tolist()
    return found


def test_nobody_is_suppressed_before_a_command() -> None:
    said = told()
    assert not said
    assert drops(said, ANN, 0, 10**15) == [False, False]


def test_of_somebody_who_opted_out_nothing_counts() -> None:
    """Neither what is on its way nor a replay of the whole log, nor what comes in years."""
    said = told(("opt_out", ANN, 100))
    assert drops(said, ANN, 0, 100, 10**15) == [True, True, True]
    assert drops(said, BOB, 0, 10**15) == [False, False]
    assert drops(said, ANN - 1, 0) == drops(said, ANN + 1, 0) == [False]


def test_who_comes_back_counts_from_then_on() -> None:
    said = told(("opt_out", ANN, 100), ("opt_in", ANN, 200))
    assert drops(said, ANN, 50, 200, 201) == [True, True, False]


def test_who_was_forgotten_counts_from_then_on() -> None:
    said = told(("forget", BOB, 100), ("opt_out", ANN, 100), ("forget", ANN, 200))
    assert drops(said, BOB, 100, 101) == [True, False]
    assert drops(said, ANN, 10**15) == [True], "to be forgotten must not undo having opted out"


def test_opting_in_without_having_been_out_changes_nothing() -> None:
    """Else anybody could make the past of others uncounted."""
    assert not told(("opt_in", ANN, 100))
    assert drops(told(("forget", ANN, 100), ("opt_in", ANN, 200)), ANN, 150) == [False]


def test_what_a_partition_has_yet_to_delete() -> None:
    said = told(("opt_out", ANN, 1), ("opt_in", ANN, 2), ("forget", BOB, 3))
    assert said.following == 3
    assert said.to_delete(0).tolist() == [ANN, BOB]
    assert said.to_delete(1).tolist() == [BOB]
    assert said.to_delete(3).tolist() == []


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b'{"id":"1","command":"opt_out","subject":"ann","at_ms":1,"by":"x"}']
)
def test_what_is_no_command_is_counted_and_left_out(value: bytes | None) -> None:
    said = Suppression()
    said.take(4, 100, value)
    assert (said.refused, said.following, bool(said)) == (1, 5, False)
