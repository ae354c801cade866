"""One chunk of engagements as columns: distinct users once, events as indices into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from streams.engine.hashing import hash_slices, key_words
from streams.engine.keys import laid_out
from streams.engine.partitioner import partitions_of

if TYPE_CHECKING:
    from schemas.engagement import Act


@dataclass(frozen=True, slots=True)
class Columns:
    """n engagements over `len(names)` distinct users; `actors` and `targets` are indices into `names`.

    offsets i8[n], produced_at_ms i8[n] (append time), kinds u1[n], at f8[n] (seconds), acts u8[n] (keyed hash of
    actor and act id: what makes a repeat); per user: hashes u8 (keyed), homes i8 (partition).
    """

    offsets: np.ndarray
    produced_at_ms: np.ndarray
    kinds: np.ndarray
    at: np.ndarray
    acts: np.ndarray
    actors: np.ndarray
    targets: np.ndarray
    names: list[bytes]
    hashes: np.ndarray
    homes: np.ndarray


def act_hashes(ids: np.ndarray, actors: np.ndarray) -> np.ndarray:
    """Return u8[n]: what makes two deliveries the same act: same id and same actor (both keyed hashes)."""
    return ids + actors * np.uint64(3)


def columns_of(acts: list[Act], offsets: np.ndarray, produced_at_ms: np.ndarray, partitions: int, key: bytes) -> Columns:
    """Return the columns of `acts`, which were appended at `offsets`."""
    codes: dict[bytes, int] = {}
    code = codes.setdefault
    actors = np.fromiter((code(a.actor, len(codes)) for a in acts), np.int64, len(acts))
    targets = np.fromiter((code(a.target, len(codes)) for a in acts), np.int64, len(acts))
    names, words = list(codes), key_words(key)
    laid = laid_out(names)
    hashes = hash_slices(*laid, *words)
    return Columns(
        offsets=offsets,
        produced_at_ms=produced_at_ms,
        kinds=np.fromiter((a.kind for a in acts), np.uint8, len(acts)),
        at=np.fromiter((a.occurred_at_ms for a in acts), np.float64, len(acts)) / 1000.0,
        acts=act_hashes(hash_slices(*laid_out([a.id for a in acts]), *words), hashes[actors]),
        actors=actors,
        targets=targets,
        names=names,
        hashes=hashes,
        homes=partitions_of(*laid, partitions),
    )
