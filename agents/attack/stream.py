"""A recorded stream as columns: what attacks are injected into and what every measure reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.ingest.formats.columns import Columns
from agents.replay import Block
from schemas.engagement import Act
from schemas.errors import BadSettingError

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Stream:
    """Acts in the order of time, repeats left out; `actors` and `targets` are positions in `users`."""

    users: list[bytes]
    actors: Ints
    targets: Ints
    kinds: Bytes
    at_ms: Ints

    def __len__(self) -> int:
        return len(self.at_ms)

    def columns(self) -> Columns:
        """Return the stream as a replay takes it."""
        return Columns(self.users, self.actors, self.targets, self.kinds, self.at_ms)

    def until(self, at_ms: int) -> Stream:
        """Return the acts up to `at_ms`."""
        due = self.at_ms <= at_ms
        return Stream(self.users, self.actors[due], self.targets[due], self.kinds[due], self.at_ms[due])


def collected(blocks: Iterable[Block]) -> Stream:
    """Return the acts of a reader's blocks; refusals, undos and repeats are left out."""
    codes: dict[bytes, int] = {}
    seen: set[tuple[bytes, bytes]] = set()
    parts: list[tuple[Ints, Ints, Bytes, Ints]] = []
    for block in blocks:
        columns = block if isinstance(block, Columns) else _of_acts(block, seen)
        own = np.array([codes.setdefault(user, len(codes)) for user in columns.users], np.int64)
        parts.append((own[columns.actors], own[columns.targets], columns.kinds, columns.at_ms))
    if not sum(len(part[0]) for part in parts):
        raise BadSettingError("file", "", "nothing in it can be scored: check --format")
    actors, targets, kinds, at_ms = (np.concatenate(each) for each in zip(*parts, strict=True))
    return in_time(Stream(list(codes), actors, targets, kinds, at_ms))


def in_time(stream: Stream) -> Stream:
    """Return the acts sorted by instant, equal instants as they were."""
    order = np.argsort(stream.at_ms, kind="stable")
    return Stream(stream.users, stream.actors[order], stream.targets[order], stream.kinds[order], stream.at_ms[order])


def _of_acts(block: Iterable[object], seen: set[tuple[bytes, bytes]]) -> Columns:
    acts: list[Act] = []
    for act in block:
        if isinstance(act, Act) and not act.undo and (act.actor, act.id) not in seen:
            seen.add((act.actor, act.id))
            acts.append(act)
    codes: dict[bytes, int] = {}
    pairs = [(codes.setdefault(a.actor, len(codes)), codes.setdefault(a.target, len(codes))) for a in acts]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    kinds = np.array([act.kind for act in acts], np.uint8)
    at_ms = np.array([act.occurred_at_ms for act in acts], np.int64)
    return Columns(list(codes), both[:, 0], both[:, 1], kinds, at_ms)
