"""What an act may do to scores: laws 1 to 4, 7 and 9 of the formula."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.model.calibration import calibrate, score_of
from streams.model.parameters import Parameters, with_settings
from tests.property.histories import (
    GAPS_S,
    KIND,
    LATENESS_S,
    READ_AFTER_S,
    SHORT_GAPS_S,
    START,
    USERS,
    histories,
    newest,
)
from tests.property.vectorised import DAY, Event, World, after

ROUNDING = 1e-9
EVERYBODY_KNOWN = with_settings(Parameters(), {"tau_s": 0.0})
NOBODY_KNOWN = with_settings(Parameters(), {"tau_s": 1e12})
STANDING = st.sampled_from((EVERYBODY_KNOWN, NOBODY_KNOWN))


@st.composite
def with_one_more(draw: st.DrawFn, gaps: st.SearchStrategy[float] = GAPS_S) -> tuple[list[Event], list[Event], Event]:
    """Return a history in order of time, the same with one more act somewhere, and that act."""
    events = draw(histories(max_size=30, gaps=gaps))
    place = draw(st.integers(0, len(events) - 1))
    low = events[place].at
    high = events[place + 1].at if place + 1 < len(events) else low + DAY
    actor, away, kind = draw(st.tuples(st.integers(0, USERS - 1), st.integers(1, USERS - 1), KIND))
    more = Event(low + draw(st.sampled_from((0.0, 0.5, 1.0))) * (high - low), actor, (actor + away) % USERS, kind)
    return events, [*events[: place + 1], more, *events[place + 1 :]], more


@settings(max_examples=100, deadline=None)
@given(events=histories(max_size=30, late=LATENESS_S), wait=READ_AFTER_S, spam=st.sampled_from((0, 0, 4000)))
def test_no_arriving_act_lowers_anybody(events: list[Event], wait: float, spam: int) -> None:
    """Law 1: replying to somebody cannot hurt, at any volume: raw and relationships never fall on arrival."""
    at = newest(events) + wait
    world = World(USERS)
    if spam:
        world.run([Event(events[0].at, 0, 1 + i % (USERS - 1), "like") for i in range(spam)])
    before = world.read(at)
    for event in events:
        world.run([event])
        found = world.read(at)
        assert (found.raw >= before.raw - ROUNDING).all()
        assert (found.relationships >= before.relationships - ROUNDING).all()
        before = found


@settings(max_examples=50, deadline=None)
@given(events=histories(max_size=30), more=histories(max_size=5))
def test_no_arriving_act_lowers_a_target_score_under_a_frozen_calibration(
    events: list[Event], more: list[Event]
) -> None:
    """Law 1, as users see it: with everybody else's rank held, an act only lifts."""
    world = after(events, USERS)
    at = newest(events) + newest(more) - START
    frozen = calibrate(world.read(at), world.parameters, epoch=0, as_of=at).influence
    before = score_of(world.read(at).raw, frozen, world.parameters)
    for event in more:
        world.run([event._replace(at=event.at + newest(events) - START)])
    assert (score_of(world.read(at).raw, frozen, world.parameters) >= before - ROUNDING).all()


@settings(max_examples=150, deadline=None)
@given(story=with_one_more(), wait=READ_AFTER_S, parameters=STANDING)
def test_one_more_received_act_never_lowers_its_target(
    story: tuple[list[Event], list[Event], Event], wait: float, parameters: Parameters
) -> None:
    """Law 2, in fair use and for actors of one standing: being engaged earlier cannot cost later."""
    without, with_it, more = story
    at = max(newest(without), newest(with_it)) + wait
    few, many = after(without, USERS, parameters).read(at), after(with_it, USERS, parameters).read(at)
    assert many.raw[more.target] >= few.raw[more.target] - ROUNDING
    assert many.relationships[more.target] >= few.relationships[more.target] - ROUNDING


@settings(max_examples=100, deadline=None)
@given(story=with_one_more(SHORT_GAPS_S), parameters=STANDING)
def test_one_more_received_act_never_lowers_its_target_in_a_fast_exchange(
    story: tuple[list[Event], list[Event], Event], parameters: Parameters
) -> None:
    """Law 2 where pair caps bite: many acts within hours, both ways."""
    without, with_it, more = story
    at = max(newest(without), newest(with_it))
    few, many = after(without, USERS, parameters).read(at), after(with_it, USERS, parameters).read(at)
    assert many.raw[more.target] >= few.raw[more.target] - ROUNDING


@settings(max_examples=100, deadline=None)
@given(story=with_one_more(), wait=READ_AFTER_S, parameters=STANDING)
def test_one_more_given_act_lowers_nobody(
    story: tuple[list[Event], list[Event], Event], wait: float, parameters: Parameters
) -> None:
    """Law 3, in fair use: generosity costs neither the giver nor anybody else, ever."""
    without, with_it, _ = story
    at = max(newest(without), newest(with_it)) + wait
    few, many = after(without, USERS, parameters).read(at), after(with_it, USERS, parameters).read(at)
    assert (many.raw >= few.raw - ROUNDING).all()
    assert (many.relationships >= few.relationships - ROUNDING).all()


@settings(max_examples=20, deadline=None)
@given(spam=st.integers(100, 2000), gap=st.sampled_from((0.0, 1.0, 60.0)), received=histories(max_size=20))
def test_a_giver_keeps_own_influence_at_any_volume(spam: int, gap: float, received: list[Event]) -> None:
    """Law 3b: without the relationship part, what a person does leaves that person's raw as it is."""
    alone = with_settings(Parameters(), {"bond_weight": 0.0})
    flood = [Event(START + i * gap, 0, 1 + i % (USERS - 1), "like") for i in range(spam)]
    towards = [e for e in received if e.actor != 0]
    both = sorted([*flood, *towards])
    at = newest(both)
    assert after(both, USERS, alone).read(at).raw[0] == after(towards, USERS, alone).read(at).raw[0]


@settings(max_examples=50, deadline=None)
@given(gaps=st.lists(st.sampled_from((0.0, 10.0, 600.0)), min_size=55, max_size=120), more_at=st.integers(51, 54))
def test_one_more_act_dilutes_later_gifts_to_others_by_two_percent_at_most(gaps: list[float], more_at: int) -> None:
    """Law 4: dilution takes at most 1/(V0 + 1) from later gifts, nothing from earlier ones."""
    instants = START + np.cumsum(gaps)
    acts = [Event(at, 0, i + 1) for i, at in enumerate(instants.tolist())]
    users = len(acts) + 2
    extra = Event(acts[more_at].at, 0, users - 1)
    few = World(users).price(acts).grants
    many = np.delete(World(users).price([*acts[:more_at], extra, *acts[more_at:]]).grants, more_at)
    assert (many[:more_at] == few[:more_at]).all()
    ratio = many[more_at:] / few[more_at:]
    diluted = few[more_at:] < 1
    assert (ratio <= 1).all()
    assert (ratio[diluted] >= 50 / 51 - ROUNDING).all()
    assert (many[: min(50, more_at)] == 1).all(), "exactly undiluted in fair use"


@settings(max_examples=50, deadline=None)
@given(
    gaps=st.lists(st.sampled_from((0.0, 0.0, 60.0, 3600.0, 7200.0, DAY)), min_size=1, max_size=300),
    ways=st.sampled_from((1, 2)),
)
def test_one_person_never_counts_above_the_pair_cap(gaps: list[float], ways: int) -> None:
    """Law 7: 3.55 C = 7.1 one-way, rho C (1 + H_R/H_P) = 4 more two-way, whatever the number of acts."""
    instants = (START + np.cumsum(gaps)).tolist()
    acts = [Event(at, i % ways, 1 - i % ways) for i, at in enumerate(instants)]
    generous = with_settings(EVERYBODY_KNOWN, {"fair_volume": 1e9})
    raw = after(acts, 2, generous).read(instants[-1]).raw.max()
    assert raw <= 7.1 + 4 * (ways - 1) + 0.01
    if instants[0] == instants[-1]:
        assert raw <= 1 + ways + ROUNDING


def test_fifty_who_like_once_beat_one_with_a_hundred_likes() -> None:
    """Law 7, as it matters: breadth beats insistence."""
    many = [Event(START, 2 + i, 0, "like") for i in range(100)]
    one = [Event(START, 150, 1, "like") for _ in range(100)]
    raw = after([*many, *one], 151, EVERYBODY_KNOWN).read(START).raw
    assert raw[0] > 20 * raw[1]


@settings(max_examples=30, deadline=None)
@given(bots=st.integers(1, 3000), each=st.integers(1, 3), answers=st.sampled_from((0, 1)))
def test_newcomers_alone_never_give_more_than_their_limit(bots: int, each: int, answers: int) -> None:
    """Law 9: a swarm of fresh accounts ends at L0 = 10, also when its target answers."""
    acts = [Event(START + i, 1 + i % bots, 0) for i in range(bots * each)]
    answered = [Event(START + i, 0, 1 + i) for i in range(bots * answers)]
    raw = after([*acts, *answered], bots + 1, NOBODY_KNOWN).read(START + len(acts)).raw
    assert raw[0] < 10
    assert bots * each < 1000 or raw[0] > 9


def test_a_diluted_act_on_a_faded_relationship_lowers_nobody() -> None:
    """Law 1 at its edge: a slot below the floor is forgotten only where the new gift makes up for it."""
    later = START + 47 * DAY
    world = after([Event(START, 0, 1), Event(START, 1, 0)], USERS)
    world.run([Event(later, 0, 2 + i % 3, "like") for i in range(10_000)])
    for diluted in (Event(later, 0, 1, "like"), Event(later, 1, 0)):
        before = world.read(later).relationships
        world.run([diluted])
        assert (world.read(later).relationships >= before).all()
