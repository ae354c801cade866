"""The attacks, one small function each from (facts, size, seed) to injected acts, and their table.

`size` is the number of accounts that take part, except for lone voices, where it is the number of acts.
Fresh accounts act first in the attack; aged ones liked random people in the half tau before one tau ago.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from agents.attack.injection import Facts, Injected, acts
from agents.attack.stream import Ints

Rng = np.random.Generator
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_RING_NEIGHBOURS: Final = 3
_RING_ROUNDS: Final = 8
_CLIQUE: Final = 10
_POSTS: Final = 3
_GROUP_SPREAD_MS: Final = 5_000


def _accounts(facts: Facts, count: int) -> Ints:
    return np.arange(facts.people, facts.people + count)


def _within(rng: Rng, count: int, end_ms: int, span_ms: int) -> Ints:
    return end_ms - rng.integers(0, span_ms, count, endpoint=True)


def _aged(facts: Facts, accounts: Ints, rng: Rng, before_ms: int) -> Injected:
    """Return two innocuous likes of random people by each account, the older beyond tau before the attack."""
    both = np.repeat(accounts, 2)
    old_ms = before_ms - facts.tau_ms - 1 - rng.integers(0, facts.tau_ms // 2 + 1, len(both))
    strangers = facts.receivers[facts.receivers != facts.beneficiary]
    return acts("like", both, rng.choice(strangers, len(both)), old_ms)


def fresh_bots(facts: Facts, size: int, seed: int) -> Injected:
    """Accounts made now share the beneficiary once each, within six hours."""
    rng = np.random.default_rng(seed)
    at_ms = _within(rng, size, facts.end_ms, 6 * HOUR_MS)
    return acts("share", _accounts(facts, size), facts.beneficiary, at_ms)


def aged_bots(facts: Facts, size: int, seed: int) -> Injected:
    """Accounts that were innocuous beyond tau share the beneficiary once each, within six hours."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    at_ms = _within(rng, size, facts.end_ms, 6 * HOUR_MS)
    return _aged(facts, bots, rng, facts.end_ms - 6 * HOUR_MS) + acts("share", bots, facts.beneficiary, at_ms)


def ring(facts: Facts, size: int, seed: int) -> Injected:
    """Accounts reply to the beneficiary, who replies to all, and to their neighbours: eight rounds in two tau."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    found = acts("reply", bots[:0], 0, bots[:0])
    for number in range(_RING_ROUNDS):
        middle_ms = facts.end_ms - 2 * facts.tau_ms * number // _RING_ROUNDS
        for away in range(1, _RING_NEIGHBOURS + 1):
            found += acts("reply", bots, np.roll(bots, away), _within(rng, size, middle_ms, HOUR_MS))
        found += acts("reply", bots, facts.beneficiary, _within(rng, size, middle_ms, HOUR_MS))
        found += acts("reply", np.full(size, facts.beneficiary), bots, _within(rng, size, middle_ms, HOUR_MS))
    return found


def cross_liking(facts: Facts, size: int, seed: int) -> Injected:
    """Rings of ten like one another beyond tau, so that each looks vouched for, then share the beneficiary."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    start = bots - (bots - facts.people) % _CLIQUE
    before_ms = facts.end_ms - 6 * HOUR_MS - facts.tau_ms
    found = acts("share", bots, facts.beneficiary, _within(rng, size, facts.end_ms, 6 * HOUR_MS))
    for away in range(1, _CLIQUE):
        liked = start + (bots - start + away) % _CLIQUE
        here = liked < facts.people + size
        found += acts("like", bots[here], liked[here], _within(rng, int(here.sum()), before_ms, facts.tau_ms))
    return found


def one_fan(facts: Facts, size: int, seed: int) -> Injected:
    """One established account likes the beneficiary again and again within a day."""
    rng = np.random.default_rng(seed)
    fan = _accounts(facts, 1)
    liked_ms = _within(rng, size, facts.end_ms, DAY_MS)
    return _aged(facts, fan, rng, facts.end_ms - DAY_MS) + acts(
        "like", np.repeat(fan, size), facts.beneficiary, liked_ms
    )


def celebrity(facts: Facts, size: int, seed: int) -> Injected:
    """Let the most engaged person share the beneficiary again and again within a day."""
    rng = np.random.default_rng(seed)
    shared_ms = _within(rng, size, facts.end_ms, DAY_MS)
    return acts("share", np.full(size, facts.celebrity), facts.beneficiary, shared_ms)


def spammer(facts: Facts, size: int, seed: int) -> Injected:
    """Let the beneficiary like everything within a day, hoping to gain by it."""
    rng = np.random.default_rng(seed)
    liked = rng.choice(facts.receivers, size)
    return acts("like", np.full(size, facts.beneficiary), liked, _within(rng, size, facts.end_ms, DAY_MS))


def burst(facts: Facts, size: int, seed: int) -> Injected:
    """Bought accounts, half of them aged, share the beneficiary within one hour."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    at_ms = _within(rng, size, facts.end_ms, HOUR_MS)
    return _aged(facts, bots[::2], rng, facts.end_ms - HOUR_MS) + acts("share", bots, facts.beneficiary, at_ms)


def coordinated(facts: Facts, size: int, seed: int) -> Injected:
    """Let a group of aged accounts share the same three posts, hours apart, all within five seconds each time."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    found = _aged(facts, bots, rng, facts.end_ms - DAY_MS)
    for post in range(_POSTS):
        moment_ms = facts.end_ms - post * 8 * HOUR_MS
        found += acts("share", bots, facts.beneficiary, _within(rng, size, moment_ms, _GROUP_SPREAD_MS), post)
    return found


def slow_drip(facts: Facts, size: int, seed: int) -> Injected:
    """Aged accounts share the beneficiary once each, spread evenly over three tau."""
    rng = np.random.default_rng(seed)
    bots = _accounts(facts, size)
    spread_ms = 3 * facts.tau_ms
    at_ms = facts.end_ms - (np.arange(size) * spread_ms) // max(size, 1)
    return _aged(facts, bots, rng, facts.end_ms - spread_ms) + acts("share", bots, facts.beneficiary, at_ms)


class Scenario(NamedTuple):
    """An attack; `own_acts` says that the beneficiary's own acts are what is paid for."""

    build: Callable[[Facts, int, int], Injected]
    own_acts: bool = False

    @property
    def meaning(self) -> str:
        """What happens, in a sentence."""
        return (self.build.__doc__ or "").strip()


SCENARIOS: Final = {
    "fresh-bots": Scenario(fresh_bots),
    "aged-bots": Scenario(aged_bots),
    "ring": Scenario(ring),
    "cross-liking": Scenario(cross_liking),
    "one-fan": Scenario(one_fan),
    "celebrity": Scenario(celebrity),
    "spammer": Scenario(spammer, own_acts=True),
    "burst": Scenario(burst),
    "coordinated": Scenario(coordinated),
    "slow-drip": Scenario(slow_drip),
}
