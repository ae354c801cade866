"""Acts and undos through both stages on several partitions, over logs in memory: what is left of them."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.recorded import Block
from agents.replay import replay
from schemas.codec import decode_engagement
from schemas.reasons import Reason
from streams.model.parameters import Parameters
from streams.model.scoring import read
from tests.component.linked_world import PARTITIONS, CrashError, hashed, home
from tests.component.undoing_world import Undoing

PEOPLE = [f"x:p{i}" for i in range(7)]
ANN, BOB, CAT = PEOPLE[:3]


def agrees(world: Undoing) -> None:
    """Hold everybody's masses and counts against an offline replay of the same engagements."""
    block: Block = [decode_engagement(value) for value in world.log()]
    offline = replay([block], Parameters())
    for user, expected in zip(offline.users, offline.rows, strict=True):
        row = world.row(user.decode())
        now = read(np.array([row, expected]), offline.as_of, Parameters())
        for name in ("raw", "relationships", "momentum", "reach", "parts"):
            both = getattr(now, name)
            np.testing.assert_allclose(both[0], both[1], rtol=1e-9, atol=1e-9, err_msg=f"{name} of {user!r}")
        for name in ("received", "given", "days"):
            np.testing.assert_array_equal(row[name], expected[name], err_msg=f"{name} of {user!r}")


def test_a_like_that_is_taken_back_leaves_nothing() -> None:
    """Neither mass nor count nor moment; what the actor has used up stays used."""
    world = Undoing()
    world.does(BOB, ANN)
    world.run()
    before = read(world.row(BOB).reshape(1), world.now_ms / 1000, Parameters())
    world.undoes(world.does(ANN, BOB, "like"))
    world.run()
    row = world.row(BOB)
    assert (row["received"].sum(), row["top_ref"].max()) == (0, -1)
    assert row["known"].sum() == row["new"].sum() == row["kinds"].sum() == row["momentum"] == 0
    assert row["bond_known"] == row["bond_new"] == world.row(ANN)["bond_new"] == 0
    assert read(row.reshape(1), world.now_ms / 1000, Parameters()).raw == before.raw
    slot = world.pairs(ANN)[hashed(BOB)]
    assert (slot["given"], world.row(ANN)["given"].sum()) == (0, 1)
    assert slot["granted"] == 0.5
    assert world.metrics.undone._value.get() == 1


def test_an_undo_is_taken_once_and_its_act_stays_a_repeat() -> None:
    """The same id in another space: the undo is no repeat of its act, a second undo is one, and so is the act again."""
    world = Undoing()
    act = world.does(ANN, BOB)
    world.does(CAT, BOB)
    world.undoes(act)
    world.undoes(act)
    value, stamp = world.engagements[home(ANN)][0]
    world.engagements[home(ANN)].append((value, stamp))
    world.run()
    assert world.row(BOB)["received"].sum() == 1
    assert world.metrics.repeats._value.get() == 2
    assert (world.metrics.undone._value.get(), world.refused(Reason.UNDO_UNKNOWN)) == (1, 0)


@pytest.mark.parametrize("instead", [{"id": "never"}, {"target": CAT}, {"actor": CAT}], ids=lambda one: next(iter(one)))
def test_an_undo_of_nothing_known_is_refused(instead: dict[str, str]) -> None:
    """Another id, target or actor is another act: nothing is guessed, nobody gets a row, and the letter is kept."""
    world = Undoing()
    world.undoes(world.does(ANN, BOB), **instead)
    world.run()
    assert world.refused(Reason.UNDO_UNKNOWN) == 1
    assert world.row(BOB)["received"].sum() == 1
    assert world.row(CAT) is None


def test_an_undo_that_comes_before_its_act_is_refused() -> None:
    """The act then counts; the letter of the undo can be retried."""
    world = Undoing()
    act = world.does(ANN, BOB)
    first = world.engagements[home(ANN)].pop()
    world.undoes(act)
    world.engagements[home(ANN)].append(first)
    world.run()
    assert (world.refused(Reason.UNDO_UNKNOWN), world.row(BOB)["received"].sum()) == (1, 1)
    world.undoes(act)
    world.run()
    assert (world.refused(Reason.UNDO_UNKNOWN), world.row(BOB)["received"].sum()) == (1, 0)


@pytest.mark.parametrize("gone", [ANN, BOB])
def test_of_somebody_who_left_nothing_can_be_taken_back(gone: str) -> None:
    """The log of what was given knows them no more, and whoever came back keeps all that is new."""
    world = Undoing()
    acts = [world.does(ANN, BOB), world.does(BOB, ANN), world.does(CAT, BOB)]
    world.run()
    world.tell("forget", gone)
    world.run()
    world.does(CAT, gone)
    world.does(ANN, BOB)
    world.run()
    rows = {user: world.row(user).tobytes() for user in (ANN, BOB)}
    for act in acts[:2]:
        world.undoes(act)
    world.run()
    assert world.refused(Reason.UNDO_UNKNOWN) == 2
    assert {user: world.row(user).tobytes() for user in (ANN, BOB)} == rows


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("does"), st.integers(0, 6), st.integers(1, 6), st.sampled_from(("like", "reply"))),
        st.tuples(st.just("undoes"), st.integers(0, 3)),
        st.tuples(st.just("undoes"), st.integers(0, 3)),
        st.tuples(st.sampled_from(("acts", "credits")), st.integers(0, PARTITIONS - 1)),
        st.tuples(st.sampled_from(("durable", "restart", "flush"))),
        st.tuples(st.just("die"), st.integers(1, 6)),
    ),
    min_size=5,
    max_size=50,
)


async def _go(world: Undoing, step: tuple[Any, ...]) -> None:
    match step:
        case ("does", actor, away, kind):
            world.does(PEOPLE[actor], PEOPLE[(actor + away) % 7], kind)
        case ("undoes", back) if world.done:
            world.undoes(max(0, len(world.done) - 1 - back))
        case ("acts", number):
            world.apply_acts(number)
        case ("credits", number):
            world.apply_credits(number)
        case ("flush",):
            await world.forwarder.flush()
        case ("durable",):
            await world.durable()
        case ("restart",):
            world.restart()
        case ("die", after):
            world.crash_at = after


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_whoever_dies_what_is_left_is_what_a_replay_leaves(steps: list[tuple[Any, ...]]) -> None:
    """Acts, undos, barriers and deaths in any order: each undo counts exactly once, live and offline alike."""
    world = Undoing()

    async def run() -> None:
        for step in steps:
            try:
                await _go(world, step)
            except CrashError:
                world.restart()
        world.crash_at = -1
        world.restart()
        await world.work()

    asyncio.run(run())
    if world.done:
        agrees(world)


def test_what_an_account_was_given_is_taken_back_from_its_person() -> None:
    """Given before the link or after it, whoever holds it now loses it, and the moment with it."""
    world = Undoing()
    acts = [world.does(CAT, ANN, "reply")]
    world.does(CAT, BOB)
    world.run()
    world.tell("link", ANN, BOB)
    world.run()
    acts.append(world.does(PEOPLE[3], ANN, "reply"))
    world.run()
    assert world.row(BOB)["received"].sum() == 3
    for act in acts:
        world.undoes(act)
    world.run()
    row = world.row(BOB)
    assert (row["received"].sum(), row["received"][1]) == (1, 1)
    assert ((row["top_ref"] >= 0).sum(), row["kinds"][3].sum()) == (1, pytest.approx(0, abs=1e-12))
    assert world.pairs(CAT)[hashed(BOB)]["given"] == pytest.approx(world.pairs(BOB)[hashed(CAT)]["got"])
