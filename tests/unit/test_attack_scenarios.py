"""Injected attacks: seeded, within the contract, beside honest acts and never in their place."""

from __future__ import annotations

import numpy as np
import pytest

from agents.attack.injection import Facts, Injected, engagements, with_injected
from agents.attack.scenarios import SCENARIOS
from agents.attack.stream import Stream
from schemas.codec import decode_engagement

END_MS = 1_780_000_000_000
DAY_MS = 86_400_000
PEOPLE = 12
FACTS = Facts(PEOPLE, np.arange(2, PEOPLE), beneficiary=3, celebrity=5, end_ms=END_MS, tau_ms=7 * DAY_MS)
DELIVERED = {"ring": 8, "coordinated": 3}
LONE = {"one-fan", "celebrity"}


def honest() -> Stream:
    """Return forty acts in a day among twelve people."""
    rng = np.random.default_rng(0)
    actors = rng.integers(0, PEOPLE, 40)
    targets = (actors + rng.integers(1, PEOPLE, 40)) % PEOPLE
    at_ms = np.sort(END_MS - rng.integers(0, DAY_MS, 40))
    return Stream([b"x:%d" % i for i in range(PEOPLE)], actors, targets, np.ones(40, np.uint8), at_ms)


def built(name: str, size: int = 20, seed: int = 7) -> Injected:
    return SCENARIOS[name].build(FACTS, size, seed)


def first_acts(injected: Injected) -> dict[int, int]:
    return {int(a): int(injected.at_ms[injected.actors == a].min()) for a in np.unique(injected.actors)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_seed_names_an_attack(name: str) -> None:
    """Anybody must be able to repeat a figure: the same seed is the same attack, another is another."""
    once, again, other = built(name), built(name), built(name, seed=8)
    for a, b in zip(once.all_columns(), again.all_columns(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(once.all_columns(), other.all_columns(), strict=True))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_injected_act_meets_the_contract(name: str) -> None:
    """An attack that the gate refuses would prove nothing."""
    injected = built(name)
    acts = [decode_engagement(value) for value in engagements(honest(), injected, name)]
    assert [act.occurred_at_ms for act in acts] == injected.at_ms.tolist()
    assert len({act.id for act in acts}) == len(acts) == len(injected)
    assert max(act.occurred_at_ms for act in acts) <= END_MS


@pytest.mark.parametrize("name", SCENARIOS)
def test_honest_acts_stay_as_they_are(name: str) -> None:
    """What is measured is the attack, not a changed stream."""
    stream, injected = honest(), built(name)
    both = with_injected(stream, injected)
    assert both.users[:PEOPLE] == stream.users
    assert (np.diff(both.at_ms) >= 0).all()
    rows = sorted(zip(both.actors, both.targets, both.kinds, both.at_ms, strict=True))
    added = zip(injected.actors, injected.targets, injected.kinds, injected.at_ms, strict=True)
    own = zip(stream.actors, stream.targets, stream.kinds, stream.at_ms, strict=True)
    assert rows == sorted([*own, *added])


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "spammer"])
@pytest.mark.parametrize("size", [1, 20])
def test_as_many_acts_reach_the_beneficiary_as_the_size_says(name: str, size: int) -> None:
    """The price is for acts delivered: their number follows from the size."""
    injected = built(name, size)
    towards = injected.actors[injected.targets == FACTS.beneficiary]
    assert len(towards) == size * DELIVERED.get(name, 1)
    assert len(np.unique(towards)) == (1 if name in LONE else size)
    if name != "celebrity":
        assert (towards >= PEOPLE).all()


@pytest.mark.parametrize("name", ["aged-bots", "cross-liking", "one-fan", "coordinated", "slow-drip"])
def test_aged_accounts_are_established_when_they_strike(name: str) -> None:
    """An aged bot that the formula takes for a newcomer would flatter the formula."""
    injected = built(name)
    born = first_acts(injected)
    for actor, target, at_ms in zip(injected.actors, injected.targets, injected.at_ms, strict=True):
        if target == FACTS.beneficiary:
            assert at_ms - born[int(actor)] >= FACTS.tau_ms


def test_fresh_accounts_are_newcomers_and_a_burst_is_half_of_them() -> None:
    """The mix decides what a burst is worth."""
    assert min(first_acts(built("fresh-bots")).values()) > END_MS - DAY_MS
    born = np.array(list(first_acts(built("burst")).values()))
    assert (born > END_MS - DAY_MS).sum() == 10
    assert len(born) == 20


def test_a_group_strikes_each_post_within_seconds() -> None:
    """Coordination is what the scenario is about: same post, same moment."""
    injected = built("coordinated")
    for post in range(3):
        chosen = (injected.posts == post) & (injected.targets == FACTS.beneficiary)
        assert np.ptp(injected.at_ms[chosen]) <= 5_000
        assert len(np.unique(injected.actors[chosen])) == 20


def test_the_spammer_and_the_celebrity_act_themselves() -> None:
    """Nobody else is hired for these."""
    assert set(built("spammer", 100).actors.tolist()) == {FACTS.beneficiary}
    assert set(built("celebrity").actors.tolist()) == {FACTS.celebrity}
