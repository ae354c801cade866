"""Synthetic engagements: seeded, heavy-tailed on both sides, in the contract's own bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.kinds import KINDS

ACTOR_SKEW: Final = 0.7
TARGET_SKEW: Final = 0.9
"""Exponents of the Zipf laws of activity and of attention: attention concentrates more."""
KIND_SHARES: Final = (0.6, 0.2, 0.1, 0.1)
ID_BYTES: Final = 15
SPREAD_MS: Final = 180_000
"""Event times lie within the last three minutes, ascending but for a second of disorder."""
DISORDER_MS: Final = 1_000
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Engagements:
    """Columns over all events: `actors`, `targets` i8 index `users`, `kinds` u1, `at_ms` i8."""

    users: list[bytes]
    actors: Ints
    targets: Ints
    kinds: npt.NDArray[np.uint8]
    at_ms: Ints

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.actors)

    def records(self, start: int, stop: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of the events from `start` up to `stop`."""
        names, users = [kind.encode() for kind in KINDS], self.users
        columns = (self.actors, self.targets, self.kinds, self.at_ms)
        chosen = (column[start:stop].tolist() for column in columns)
        for number, (actor, target, kind, at_ms) in enumerate(zip(*chosen, strict=True), start):
            yield users[actor], value_of(number, names[kind], users[actor], users[target], at_ms)


def value_of(number: int, kind: bytes, actor: bytes, target: bytes, at_ms: int, series: bytes = b"act") -> bytes:
    """Return an engagement as JSON, about 210 bytes long; numbers are told apart within a `series` of ids.

    >>> len(value_of(1, b"like", b"bench:" + b"a" * 24, b"bench:" + b"b" * 24, 1_700_000_000_000))
    210
    """
    return b'{"id":"%s-%020d","kind":"%s","actor":"%s","target":"%s","occurred_at":%d,"object":"post:%s/%024d"}' % (
        series,
        number,
        kind,
        actor,
        target,
        at_ms,
        target[-10:],
        number // 7,
    )


def user_names(count: int, seed: int, network: str = "bench") -> list[bytes]:
    """Return `count` ids of a realistic length whose letters compress as badly as real ones."""
    random = np.random.default_rng([seed, count, len(network)])
    letters = base64.b32encode(random.bytes(ID_BYTES * count)).lower()
    wide = ID_BYTES * 8 // 5
    prefix = network.encode() + b":"
    return [prefix + letters[at * wide : (at + 1) * wide] for at in range(count)]


def synthetic(events: int, users: int, seed: int, newest_ms: int) -> Engagements:
    """Return `events` acts among `users` people whose newest event time is about `newest_ms`."""
    random = np.random.default_rng(seed)
    actors = zipf(random, events, users, ACTOR_SKEW)
    targets = random.permutation(users)[zipf(random, events, users, TARGET_SKEW)]
    targets = np.where(targets == actors, (targets + 1) % users, targets)
    at_ms = newest_ms - SPREAD_MS + np.arange(events) * SPREAD_MS // max(1, events)
    return Engagements(
        users=user_names(users, seed),
        actors=actors,
        targets=targets,
        kinds=random.choice(len(KINDS), events, p=KIND_SHARES).astype(np.uint8),
        at_ms=at_ms - random.integers(0, DISORDER_MS, events),
    )


def zipf(random: np.random.Generator, count: int, ranks: int, skew: float) -> Ints:
    """Return i8[count] in 0..ranks-1, rank k drawn about as often as k^-skew (skew < 1), by inverting its integral."""
    drawn = random.random(count)
    power = 1.0 - skew
    at = (1.0 + drawn * ((ranks + 1.0) ** power - 1.0)) ** (1.0 / power)
    chosen: Ints = np.minimum(at.astype(np.int64) - 1, ranks - 1)
    return chosen


def circle(users: int, pairs: int, seed: int, newest_ms: int) -> Engagements:
    """Return users x pairs shares: everybody shares the next person in a circle, then the one after, and so on."""
    numbers = np.arange(users * pairs)
    actors = numbers % users
    return Engagements(
        users=user_names(users, seed),
        actors=actors,
        targets=(actors + 1 + numbers // users) % users,
        kinds=np.full(users * pairs, KINDS.index("share"), np.uint8),
        at_ms=newest_ms - SPREAD_MS + numbers * SPREAD_MS // max(1, len(numbers)),
    )
