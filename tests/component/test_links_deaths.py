"""A worker may die anywhere while it links, or sends on: each act counts once, for whom it should."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.component.linked_world import (
    ANN,
    BOB,
    CAT,
    CROWD,
    PARTITIONS,
    CrashError,
    World,
    home,
    linked,
    same,
)


def survived(world: World) -> None:
    """Work on, dying as told, and hold what all have in the end against what was ever granted."""
    try:
        world.run()
    except CrashError:
        world.restart()
    world.crash_at = -1
    world.run()
    for user, sources in ((BOB, (ANN, BOB)), (CAT, (CAT,)), (ANN, ())):
        expected = [world.granted()[source] for source in sources]
        same(world.earned(user), (sum(mass for mass, _ in expected), sum(count for _, count in expected)))


@pytest.mark.parametrize("after", range(1, 20))
def test_a_worker_may_die_anywhere_while_it_links(after: int) -> None:
    """Before, between and after what is sent and what is made durable; then somebody acts, before anything else."""
    world = World()
    for actor in CROWD:
        world.act(actor, ANN)
        world.act(actor, CAT)
    world.run()
    world.tell("link", ANN, BOB)
    world.crash_at = after
    try:
        world.run()
    except CrashError:
        world.restart()
    world.crash_at = -1
    world.act(CROWD[0], ANN, "reply")
    world.act(ANN, CROWD[0])
    survived(world)


@pytest.mark.parametrize("after", range(1, 9))
def test_a_worker_may_die_after_it_sent_credits_on(after: int) -> None:
    """It sends them again, in one record with newer ones, and they count once."""
    world = linked()
    for actor in CROWD:
        world.act(actor, ANN)
    world.crash_at = after
    try:
        world.run()
    except CrashError:
        world.restart()
    world.crash_at = -1
    for actor in CROWD:
        world.act(actor, ANN, "reply")
    survived(world)


def test_what_was_sent_on_and_not_noted_counts_once() -> None:
    world = linked()
    world.act(CAT, ANN)
    world.apply_acts(home(CAT))
    asyncio.run(world.forwarder.flush())
    world.apply_credits(home(ANN))
    asyncio.run(world.forwarder.flush())
    world.restart()
    survived(world)
    assert world.metrics.forward_repeats._value.get() > 0, "else nothing came twice"


EVERYWHERE = tuple(range(PARTITIONS))
EACH = tuple((number,) for number in EVERYWHERE)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("act"), st.sampled_from([*CROWD[:4], ANN, BOB]), st.sampled_from([ANN, BOB, CAT])),
        st.tuples(st.sampled_from(["acts", "credits"]), st.sampled_from([*EACH, EVERYWHERE, EVERYWHERE])),
        st.tuples(st.sampled_from(["durable", "obey", "restart"])),
        st.tuples(st.just("die"), st.integers(1, 8)),
    ),
    max_size=40,
)


async def go(world: World, step: tuple[Any, ...]) -> None:
    match step:
        case ("act", actor, target) if actor != target:
            world.act(actor, target)
        case ("acts", numbers):
            for number in numbers:
                world.apply_acts(number)
            await world.forwarder.flush()
        case ("credits", numbers):
            for number in numbers:
                world.apply_credits(number)
            await world.forwarder.flush()
        case ("durable",):
            await world.durable()
        case ("obey",):
            await world.obey()
        case ("restart",):
            world.restart()
        case ("die", after):
            world.crash_at = after


@settings(max_examples=150)
@given(STEPS, st.integers(0, 40))
def test_whatever_is_on_its_way_and_whoever_dies_each_act_counts_once(steps: list[tuple[Any, ...]], when: int) -> None:
    """The order of link, credits, barriers and deaths does not matter for what the person has in the end."""
    world = World()

    async def run() -> None:
        for i, step in enumerate([*steps, ("end",)]):
            if i == min(when, len(steps)):
                world.tell("link", ANN, BOB)
            try:
                await go(world, step)
            except CrashError:
                world.restart()
        world.crash_at = -1
        await world.work()

    asyncio.run(run())
    survived(world)
    assert sum(count for _, count in world.granted().values()) <= sum(map(len, world.engagements.values()))
    assert np.isfinite(world.row(BOB)["bond_known"])
