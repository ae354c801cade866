"""Who is whose, by the commands alone: one person for an account, and no accounts of accounts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.command import Command, Person, decode_command, encode_command, subject_of
from schemas.errors import BadRecordError
from streams.stages.links import NOBODY
from streams.stages.suppression import Suppression

ANN, BOB, CAT, DAN = 7, 2**64 - 1, 0, 2**63
Told = tuple[str, int, int] | tuple[str, int]


def told(*commands: Told) -> Suppression:
    """Return what is known after commands (name, subject, person), one offset each, all at home on partition 1."""
    found = Suppression()
    for offset, (name, subject, *person) in enumerate(commands):
        whom = Person(subject_of(person[0]), 1, ((0, 5),)) if person else None
        command = Command(f"c{offset}", name, subject_of(subject), 0, "test", whom)  # type: ignore[arg-type]
        found.take(offset, 100 * offset, encode_command(command))
    return found


def persons(said: Suppression, following: int = 10**6) -> list[int]:
    """Return whom ann, bob, cat and dan count for before the command at `following`."""
    found: list[int] = said.links.table(following).persons(np.array([ANN, BOB, CAT, DAN], np.uint64)).tolist()
    return found


def test_an_account_counts_for_its_person_from_its_command_on() -> None:
    said = told(("link", ANN, BOB), ("link", CAT, BOB), ("unlink", ANN))
    assert [persons(said, following) for following in range(4)] == [
        [ANN, BOB, CAT, DAN],
        [BOB, BOB, CAT, DAN],
        [BOB, BOB, BOB, DAN],
        [ANN, BOB, BOB, DAN],
    ]
    assert said.links.table(3).homes[BOB] == 1
    assert said.links.between(1, 3) == [1, 2]
    assert said.refused == 0


@pytest.mark.parametrize(
    ("before", "link", "why"),
    [
        ((), (ANN, ANN), "one id"),
        ((("link", ANN, BOB),), (ANN, CAT), "unlink it first"),
        ((("link", ANN, BOB),), (CAT, ANN), "link ACCOUNT to that person"),
        ((("link", ANN, BOB),), (BOB, CAT), "accounts of its own"),
        ((("link", ANN, BOB),), (BOB, ANN), "link ACCOUNT to that person"),
        ((("opt_out", ANN),), (ANN, BOB), "opt in first"),
        ((("opt_out", BOB),), (ANN, BOB), "opt in first"),
    ],
)
def test_what_would_make_no_sense_is_refused_by_all_alike(
    before: tuple[Told, ...], link: tuple[int, int], why: str
) -> None:
    """By who asks with a reason, and by every worker should the command stand all the same."""
    said = told(*before)
    assert why in str(said.links.objection(*link, said.is_out))
    anyway = told(*before, ("link", *link))
    assert anyway.refused == 1
    assert persons(anyway) == persons(said)


def test_repeating_changes_nothing() -> None:
    said = told(("link", ANN, BOB), ("link", ANN, BOB), ("unlink", ANN), ("unlink", ANN))
    assert (len(said.links.changes), said.refused, said.links.person_of(ANN)) == (2, 0, NOBODY)


def test_who_was_forgotten_or_came_back_may_be_linked() -> None:
    said = told(("forget", ANN), ("opt_out", BOB), ("opt_in", BOB), ("link", ANN, BOB))
    assert persons(said)[0] == BOB


@pytest.mark.parametrize("command", ["forget", "opt_out"])
def test_a_person_who_leaves_takes_the_accounts_along(command: str) -> None:
    said = told(("link", ANN, BOB), ("link", CAT, BOB), (command, BOB))
    assert persons(said) == [ANN, BOB, CAT, DAN]
    assert sorted(said.to_delete(2).tolist()) == sorted([ANN, BOB, CAT])
    assert said.drops(np.array([ANN, CAT, DAN], np.uint64), np.full(3, 150)).tolist() == [True, True, False]


def test_an_account_that_leaves_goes_alone() -> None:
    said = told(("link", ANN, BOB), ("forget", ANN))
    assert said.to_delete(1).tolist() == [ANN]
    assert persons(said) == [ANN, BOB, CAT, DAN]


PEOPLE = st.sampled_from([ANN, BOB, CAT, DAN])


@given(
    st.lists(
        st.one_of(st.tuples(st.just("link"), PEOPLE, PEOPLE), st.tuples(st.sampled_from(["unlink", "forget"]), PEOPLE))
    )
)
def test_there_are_never_chains(commands: list[Told]) -> None:
    """Whoever somebody counts for counts for nobody else."""
    found = np.array(persons(told(*commands)), np.uint64)
    table = told(*commands).links.table(10**6)
    assert table.persons(found).tolist() == found.tolist()


def test_a_link_must_name_a_person_and_nothing_else_may() -> None:
    whom = Person(subject_of(BOB), 0, ())
    for name, person in (("link", None), ("unlink", whom), ("forget", whom)):
        with pytest.raises(BadRecordError, match="person"):
            decode_command(encode_command(Command("c", name, subject_of(ANN), 0, "test", person)))  # type: ignore[arg-type]
