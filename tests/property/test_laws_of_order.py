"""Law 13: the interleaving of different actors' acts does not matter; replays change nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rows import USER
from tests.property.histories import LATENESS_S, USERS, histories, newest
from tests.property.vectorised import Event, Granted, World, after

EXACT = ("received", "given", "day", "days", "top_ref", "top_at", "born_at")
FOLDED = ("known", "new", "kinds", "momentum", "reach", "bond_known", "bond_new", "volume")
COMPARED = (*EXACT, *FOLDED)


def interleaved(draw: st.DrawFn, events: list[Event], partitions: int, world: World) -> None:
    """Run `events` with every partition at its own pace, and credits waiting for as long as it pleases."""
    queues = [[e for e in events if e.actor % partitions == number] for number in range(partitions)]
    waiting: list[list[Granted]] = [[] for _ in range(partitions)]
    while any(queues) or any(waiting):
        ready = [("act", n) for n in range(partitions) if queues[n]]
        ready += [("credit", n) for n in range(partitions) if waiting[n]]
        step, number = draw(st.sampled_from(ready))
        if step == "act":
            size = draw(st.integers(1, 15))
            waiting[number].append(world.price(queues[number][:size]))
            queues[number] = queues[number][size:]
        else:
            world.credit(waiting[number].pop(0))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), events=histories(max_size=50, late=LATENESS_S), partitions=st.sampled_from((1, 2, 3, 5)))
def test_any_interleaving_of_actors_gives_the_same_state(
    data: st.DataObject, events: list[Event], partitions: int
) -> None:
    """Live, catch-up and replay agree: partitions months apart in event time, random chunks, late acts."""
    in_order = after(events, USERS)
    world = World(USERS, partitions=partitions)
    interleaved(data.draw, events, partitions, world)
    at = newest(events)
    for field in ("raw", "relationships", "momentum", "reach", "parts"):
        np.testing.assert_allclose(
            getattr(world.read(at), field), getattr(in_order.read(at), field), rtol=1e-9, atol=1e-9
        )
    expected, found = in_order.rows(), world.rows()
    for field in EXACT:
        pairs = (
            np.sort(rows[field], axis=-1) if field.startswith("top") else rows[field] for rows in (expected, found)
        )
        np.testing.assert_array_equal(*pairs, err_msg=field)


@settings(max_examples=60, deadline=None)
@given(events=histories(max_size=40, late=LATENESS_S), cut=st.integers(1, 40), back=st.integers(1, 40))
def test_replayed_acts_and_credits_change_nothing(events: list[Event], cut: int, back: int) -> None:
    """Rows know the last offset they contain: what the log delivers again is not counted again."""
    world = World(USERS)
    first = world.price(events[:cut])
    world.credit(first)
    rows, pairs = world.rows().copy(), world.states[0].pairs.slots.copy()
    again = max(0, len(events[:cut]) - back)
    world.offsets[0] = again
    repeated = world.price(events[again:cut])
    assert (repeated.grants == 0).all()
    world.credit_offsets[0] = 0
    world.credit(first)
    assert rows.tobytes() == world.rows().tobytes()
    assert pairs.tobytes() == world.states[0].pairs.slots.tobytes()


def test_every_compared_field_exists() -> None:
    """A renamed field would otherwise fall out of the comparison."""
    assert set(COMPARED) <= set(USER.names or ())
