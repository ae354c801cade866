"""Recorded acts as columns: what admits them from a file's blocks, and the columns of a whole file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.ingest.formats.columns import Columns
from schemas.engagement import Act
from schemas.errors import BadRecordError
from schemas.reasons import Reason

CHUNK_ACTS: Final = 50_000
_U64: Final = (1 << 64) - 1
Block = Columns | list[Act | BadRecordError]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts of people who are codes 0..n-1; all columns of one length, `at` in seconds.

    Where acts have ids, `keys` (u8) are the same for an act and what takes it back, and `undos` (b1) say which do.
    """

    actors: Ints
    targets: Ints
    kinds: npt.NDArray[np.uint8]
    at: Floats
    keys: npt.NDArray[np.uint64] | None = None
    undos: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Return the number of acts."""
        return len(self.at)

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> Acts:
        """Return the chosen acts, in the order of `chosen`."""
        keys = None if self.keys is None else self.keys[chosen]
        undos = None if self.undos is None else self.undos[chosen]
        return Acts(self.actors[chosen], self.targets[chosen], self.kinds[chosen], self.at[chosen], keys, undos)

    def without_undos(self) -> Acts:
        """Return the acts alone."""
        return self if self.undos is None else self[~self.undos]

    def in_order(self) -> Acts:
        """Return the acts in order of time, those of one instant as they were."""
        return self if bool((self.at[1:] >= self.at[:-1]).all()) else self[np.argsort(self.at, kind="stable")]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A whole file: `users` by code, its acts in the order of the file, and what was left out of them."""

    users: list[bytes]
    acts: Acts
    repeats: int
    refused: Counter[Reason]


class Admission:
    """Turns blocks of a reader into acts; gives every user a code, drops and counts repeats and refusals."""

    def __init__(self) -> None:
        self.codes: dict[bytes, int] = {}
        self.repeats = 0
        self.refused: Counter[Reason] = Counter()
        self._seen: set[tuple[bytes, bytes]] = set()

    def admitted(self, block: Block) -> Iterable[Acts]:
        """Yield the acts of one block, piece by piece."""
        if isinstance(block, Columns):
            self.refused.update(each.error.reason for each in block.refused)
            self.repeats += block.duplicates
            codes = self._coded(block.users)
            yield Acts(codes[block.actors], codes[block.targets], block.kinds, block.at_ms / 1000.0)
        else:
            for start in range(0, len(block), CHUNK_ACTS):
                yield self._fresh(self._well_formed(block[start : start + CHUNK_ACTS]))

    def _coded(self, users: Iterable[bytes]) -> Ints:
        codes = self.codes
        return np.array([codes.setdefault(user, len(codes)) for user in users], np.int64)

    def _well_formed(self, block: list[Act | BadRecordError]) -> list[Act]:
        acts: list[Act] = []
        for outcome in block:
            if isinstance(outcome, BadRecordError):
                self.refused[outcome.reason] += 1
            else:
                acts.append(outcome)
        return acts

    def _fresh(self, acts: list[Act]) -> Acts:
        acts = [act for act in acts if self._is_new(act)]
        both = self._coded(user for act in acts for user in (act.actor, act.target))
        kinds = np.array([act.kind for act in acts], np.uint8)
        at = np.array([act.occurred_at_ms for act in acts], np.int64) / 1000.0
        keys = [hash((act.id, act.actor, act.target)) & _U64 for act in acts]
        undos = np.array([act.undo for act in acts], np.bool_)
        return Acts(both[::2], both[1::2], kinds, at, np.array(keys, np.uint64), undos)

    def _is_new(self, act: Act) -> bool:
        """Note an act that is not told again; count what is, and the undo of what was never told."""
        name = act.actor, act.id
        if act.undo:
            self.refused[Reason.UNDO_UNKNOWN] += name not in self._seen
            return name in self._seen
        self.repeats += name in self._seen
        is_new = name not in self._seen
        self._seen.add(name)
        return is_new


def recorded(blocks: Iterable[Block]) -> Recorded:
    """Return all acts that `blocks` hold, as columns; also those that are taken back later: they were done."""
    admission = Admission()
    pieces = [piece.without_undos() for block in blocks for piece in admission.admitted(block)]
    none = np.zeros(0, np.int64)
    pieces.append(Acts(none, none, none.astype(np.uint8), none.astype(np.float64)))
    acts = Acts(
        np.concatenate([piece.actors for piece in pieces]),
        np.concatenate([piece.targets for piece in pieces]),
        np.concatenate([piece.kinds for piece in pieces]),
        np.concatenate([piece.at for piece in pieces]),
    )
    return Recorded(list(admission.codes), acts, admission.repeats, admission.refused)
