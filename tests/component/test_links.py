"""Accounts of one person: what each has received counts for her, once, whatever is on its way and whoever dies."""

from __future__ import annotations

import asyncio

import pytest

from schemas.reasons import Reason
from schemas.score import Pointer, decode_pointer
from tests.component.linked_world import (
    ANN,
    BOB,
    CAT,
    CROWD,
    DOG,
    MINUTE_MS,
    PARTITIONS,
    World,
    hashed,
    home,
    linked,
    same,
)


def test_the_accounts_live_apart() -> None:
    """Else no test here would move anything."""
    assert len({home(ANN), home(BOB), home(DOG)}) == 3


def refused(world: World, reason: Reason) -> float:
    return float(world.metrics.refused.labels(reason.value)._value.get())


def test_what_an_account_has_received_is_the_persons() -> None:
    world = linked()
    same(world.earned(BOB), tuple(map(sum, zip(*(world.granted()[u] for u in (ANN, BOB)), strict=True))))  # type: ignore[arg-type]
    assert world.earned(ANN) == (0.0, 0)
    assert world.row(ANN)["given"].sum() == 1, "what it gave stays its own"
    assert world.row(ANN)["got_last"] == world.row(ANN)["sent_last"] == 0, "else it would be scored again"
    assert decode_pointer(world.scores[ANN.encode()] or b"") == Pointer(ANN, BOB)


def test_what_an_account_receives_from_then_on_goes_on() -> None:
    world = linked()
    before = world.earned(BOB)[1]
    world.act(CAT, ANN)
    world.act(CAT, BOB)
    world.run()
    assert world.earned(BOB)[1] == before + 2
    assert world.earned(ANN) == (0.0, 0)
    assert set(world.pairs(CAT)) == {hashed(BOB)}, "one person, one cap"


def test_between_ones_own_accounts_nothing_counts() -> None:
    world = linked()
    before = {user: world.row(user).tobytes() for user in (ANN, BOB)}
    world.act(ANN, BOB)
    world.act(BOB, ANN)
    world.run()
    assert {user: world.row(user).tobytes() for user in (ANN, BOB)} == before
    assert refused(world, Reason.OWN_ACCOUNT) == 2


def test_a_link_gives_nobody_more_power_than_the_accounts_had() -> None:
    """Each account grants by what it did itself: capped, diluted and established on its own."""
    plain, joined = World(), World()
    for world in (plain, joined):
        for _ in range(5):
            world.act(ANN, CAT)
            world.act(BOB, CAT)
        world.run()
        if world is joined:
            world.tell("link", ANN, BOB)
        else:
            world.now_ms += MINUTE_MS
        world.run()
        for _ in range(5):
            world.act(ANN, CAT)
            world.act(BOB, CAT)
        world.run()
    assert joined.earned(CAT) == plain.earned(CAT)


def test_others_remember_the_person() -> None:
    world = linked()
    for actor in CROWD:
        assert hashed(ANN) not in world.pairs(actor)
    assert hashed(BOB) in world.pairs(CROWD[0])


def test_after_unlinking_an_account_begins_anew() -> None:
    world = linked()
    joined = world.earned(BOB)
    world.tell("unlink", ANN)
    world.run()
    assert world.scores[ANN.encode()] is None
    world.act(CAT, ANN)
    world.run()
    assert world.earned(ANN)[1] == 1
    assert world.earned(BOB)[1] == joined[1]
    assert not any(ANN.encode() in one for partition in world.partitions.values() for one in partition.meta.values())


def test_an_account_linked_again_brings_only_what_is_new() -> None:
    world = linked()
    joined = world.earned(BOB)[1]
    for command in (("unlink", ANN), ("link", ANN, BOB), ("link", ANN, BOB), ("unlink", ANN), ("link", ANN, BOB)):
        world.tell(*command)
        world.act(CAT, ANN)
        world.run()
    assert world.earned(BOB)[1] == joined + 5
    assert world.earned(ANN) == (0.0, 0)


def test_a_person_nobody_knew_can_be_made() -> None:
    world = World()
    world.act(CAT, ANN)
    world.tell("link", ANN, "p:new")
    world.tell("link", BOB, "p:new")
    world.run()
    world.act(CROWD[0], BOB)
    world.run()
    assert world.earned("p:new")[1] == 2


def test_no_partition_links_before_it_knows_the_names() -> None:
    """Else credits would go on to somebody without a row, and nothing would point to the person."""
    world = World()
    world.act(CAT, ANN)
    world.run()
    world.tell("link", ANN, "p:new")
    asyncio.run(world.obey())
    assert world.earned(ANN)[1] == 1
    world.run()
    assert world.earned("p:new")[1] == 1
    assert decode_pointer(world.scores[ANN.encode()] or b"") == Pointer(ANN, "p:new")


@pytest.mark.parametrize("command", ["forget", "opt_out"])
def test_who_leaves_takes_all_accounts_along(command: str) -> None:
    """Nothing is left of any of them: no row, pair, name or pointer, and what is on its way does not arrive."""
    world = linked()
    world.act(CAT, ANN)
    world.act(ANN, CAT)
    for number in range(PARTITIONS):
        world.apply_acts(number)
    world.tell(command, BOB)
    world.run()
    for user in (ANN, BOB):
        assert world.row(user) is None
        assert world.scores.get(user.encode()) is None
        for partition in world.partitions.values():
            assert hashed(user) not in partition.state.pairs.others
            assert user.encode() not in partition.index.arena.tobytes()
            assert not any(user.encode() in one for one in partition.meta.values())
    world.act(CAT, ANN)
    world.run()
    assert world.earned(ANN)[1] == (1 if command == "forget" else 0)
    assert world.row(BOB) is None


def test_what_is_on_its_way_to_a_person_who_left_does_not_come_back() -> None:
    """Not even to the row that the person has made anew since."""
    world = World()
    for actor in CROWD:
        world.act(actor, ANN)
    world.run()
    world.tell("link", ANN, BOB)
    for number in range(PARTITIONS):
        world.apply_credits(number)
    asyncio.run(world.obey())
    world.tell("forget", BOB)
    asyncio.run(world.obey())
    world.act(BOB, CAT)
    world.act(CAT, BOB)
    world.run()
    assert world.earned(BOB)[1] == 1


def test_what_an_account_gave_before_is_remembered_as_the_persons() -> None:
    """Also where it arrives after the link is in force there."""
    world = World()
    world.act(ANN, DOG)
    world.apply_acts(home(ANN))
    asyncio.run(world.forwarder.flush())
    world.tell("link", ANN, BOB)
    for number in (home(ANN), home(BOB)):
        world.apply_credits(number)
    asyncio.run(world.obey())
    assert world.row(DOG) is None
    world.run()
    assert set(world.pairs(DOG)) == {hashed(BOB)}


@pytest.mark.parametrize("moves", [False, True])
def test_what_arrives_for_a_person_who_is_an_account_by_then_goes_on(*, moves: bool) -> None:
    """The account's partition may be behind: what it sends follows the links where it arrives."""
    world = World()
    world.act(CAT, ANN)
    world.run()
    world.tell("link", ANN, BOB)
    ahead = [number for number in range(PARTITIONS) if number != home(ANN)]
    if not moves:
        world.run()
    world.act(DOG, ANN)
    world.apply_acts(home(DOG))
    asyncio.run(world.forwarder.flush())
    world.tell("unlink", ANN)
    world.tell("link", BOB, "q:new")
    for number in ahead:
        world.apply_credits(number)
    asyncio.run(world.obey(*ahead))
    world.run()
    assert world.earned("q:new")[1] == 2
    assert world.earned(BOB) == world.earned(ANN) == (0.0, 0)


def test_an_account_that_is_forgotten_leaves_the_person_what_was_joined() -> None:
    world = linked()
    joined = world.earned(BOB)[1]
    world.tell("forget", ANN)
    world.run()
    assert world.earned(BOB)[1] == joined
    assert world.row(ANN) is None
    assert world.scores[ANN.encode()] is None
