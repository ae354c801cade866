"""What an attacker adds to a stream: acts by accounts of his own, and by people who play along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.attack.stream import Ints, Stream, in_time
from schemas.codec import encode_engagement
from schemas.engagement import Engagement
from schemas.kinds import KIND_CODE, KINDS


@dataclass(frozen=True, slots=True)
class Facts:
    """What an attacker knows of the stream; people are positions in its users."""

    people: int  # how many users the stream has; the attacker's accounts are numbered from here
    receivers: Ints  # people who received something
    beneficiary: int
    celebrity: int  # the most engaged person who may vouch, never the beneficiary
    end_ms: int  # the instant of the reading
    tau_ms: int  # tenure that makes an actor established


@dataclass(frozen=True, slots=True)
class Injected:
    """Acts as columns of one length; `posts` tells acts upon the same post from acts upon different ones."""

    actors: Ints
    targets: Ints
    kinds: npt.NDArray[np.uint8]
    at_ms: Ints
    posts: Ints

    def __len__(self) -> int:
        return len(self.at_ms)

    def __add__(self, other: Injected) -> Injected:
        return Injected(
            np.concatenate((self.actors, other.actors)),
            np.concatenate((self.targets, other.targets)),
            np.concatenate((self.kinds, other.kinds)),
            np.concatenate((self.at_ms, other.at_ms)),
            np.concatenate((self.posts, other.posts)),
        )

    def all_columns(self) -> tuple[Ints, Ints, npt.NDArray[np.uint8], Ints, Ints]:
        """Return the columns in the order of the fields."""
        return self.actors, self.targets, self.kinds, self.at_ms, self.posts


def acts(kind: str, actors: Ints, targets: Ints | int, at_ms: Ints, posts: Ints | int = 0) -> Injected:
    """Return acts of one kind; self engagements, which the contract refuses, are left out."""
    columns = np.broadcast_arrays(actors, targets, at_ms, posts)
    who, whom, when, which = (np.ascontiguousarray(column, np.int64) for column in columns)
    kept = who != whom
    kinds = np.full(int(kept.sum()), KIND_CODE[kind], np.uint8)
    return Injected(who[kept], whom[kept], kinds, when[kept], which[kept])


def with_injected(stream: Stream, injected: Injected) -> Stream:
    """Return both in the order of time; the stream's own acts, users and their positions stay as they are."""
    known = len(stream.users)
    last = max(known, *(int(side.max(initial=0)) + 1 for side in (injected.actors, injected.targets)))
    network = stream.users[0].split(b":")[0]
    users = [*stream.users, *(b"%s:attack-%d" % (network, number) for number in range(last - known))]
    return in_time(
        Stream(
            users,
            np.concatenate((stream.actors, injected.actors)),
            np.concatenate((stream.targets, injected.targets)),
            np.concatenate((stream.kinds, injected.kinds)),
            np.concatenate((stream.at_ms, injected.at_ms)),
        )
    )


def engagements(stream: Stream, injected: Injected, name: str) -> Iterator[bytes]:
    """Yield the injected acts as producers would send them."""
    users = with_injected(stream, injected).users
    rows = zip(*(column.tolist() for column in injected.all_columns()), strict=True)
    for number, (actor, target, kind, at_ms, post) in enumerate(rows):
        yield encode_engagement(
            Engagement(
                id=f"attack:{name}:{number}",
                kind=KINDS[kind],
                actor=users[actor].decode(),
                target=users[target].decode(),
                occurred_at=at_ms,
                object=f"attack:{target}:{post}",
            )
        )
