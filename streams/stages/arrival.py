"""Credit records of one chunk as one set of columns, so that the model is asked once and users are found once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.credit import ESTABLISHED, EVENT, KIND_MASK, UNDO, Credits
from streams.engine.watermarks import Watermarks

_KIND_SHIFT, _SOURCE_SHIFT = 60, 48
_OFFSET_MASK = (1 << _SOURCE_SHIFT) - 1


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record at offset `offset` of the credits log, with keep u1[n]: 0 = applied before."""

    offset: int
    credits: Credits
    keep: np.ndarray


@dataclass(frozen=True, slots=True)
class Batch:
    """n events in log order, columns as the model takes them; `targets` i8[n] are indices into m named users.

    User i is called buf[start[i] : start[i] + length[i]]; users of different records are not told apart by index.
    `references` i8[n] hold kind, source partition and offset of each event in one number, for "top events";
    `credit_offsets` i8[n] the offset of its record; `produced_at_ms` i8[m] since when a user's record is on its way.
    Where `undone` (u1[n]) the event takes back the act that it describes.
    """

    targets: np.ndarray
    actors: np.ndarray
    kinds: np.ndarray
    at: np.ndarray
    mass: np.ndarray
    established: np.ndarray
    reach: np.ndarray
    references: np.ndarray
    credit_offsets: np.ndarray
    keep: np.ndarray
    undone: np.ndarray
    buf: np.ndarray
    start: np.ndarray
    length: np.ndarray
    produced_at_ms: np.ndarray


def origin(reference: int) -> tuple[int, int]:
    """Return the source partition and the engagement offset that a reference names."""
    source = reference >> _SOURCE_SHIFT & ((1 << _KIND_SHIFT - _SOURCE_SHIFT) - 1)
    return source, reference & _OFFSET_MASK


def fresh(marks: Watermarks, c: Credits) -> np.ndarray:
    """Return keep u1[n]: 0 where the event was applied before; then everything in the record counts as applied."""
    keep = np.ones(len(c), np.uint8)
    offsets = c.events["offset_delta"].astype(np.int64) + c.first
    marks.fresh(c.source, offsets, keep)
    marks.advance(c.source, int(offsets[-1]))
    return keep


def without(c: Batch, out: np.ndarray) -> Batch:
    """Return the batch without the events where `out`, and without the users of whom none is left."""
    chosen = np.flatnonzero(~out)
    users, targets = np.unique(c.targets[chosen], return_inverse=True)
    events = (
        "actors", "kinds", "at", "mass", "established", "reach", "references", "credit_offsets", "keep", "undone",
    )  # fmt: skip
    return replace(
        c,
        targets=targets,
        start=c.start[users],
        length=c.length[users],
        produced_at_ms=c.produced_at_ms[users],
        **{name: getattr(c, name)[chosen] for name in events},
    )


def joined(records: list[Arrived]) -> Batch:
    """Return the events of at least one record, one behind the other."""
    arrived = [record.credits for record in records]
    events = np.frombuffer(b"".join([c.events.data for c in arrived]), EVENT)
    length = np.concatenate([c.lengths for c in arrived]).astype(np.int64)
    sizes = np.array([len(c) for c in arrived])
    users = np.array([len(c.lengths) for c in arrived])
    kinds = events["flags"] & KIND_MASK
    name = (kinds.astype(np.int64) << _KIND_SHIFT) | events["offset_delta"]
    bases = np.array([(c.source << _SOURCE_SHIFT) + c.first for c in arrived])
    references = name + np.repeat(bases, sizes)
    undone = (events["flags"] & UNDO) // UNDO
    if undone.any():
        acts = np.concatenate([c.undone for c in arrived])
        references[undone == 1] = references[undone == 1] & ~_OFFSET_MASK | acts
    return Batch(
        targets=np.repeat(np.cumsum(users) - users, sizes) + events["target"],
        actors=np.ascontiguousarray(events["actor"]),
        kinds=kinds.astype(np.uint8),
        at=np.ascontiguousarray(events["at"]),
        mass=np.ascontiguousarray(events["mass"]),
        established=((events["flags"] & ESTABLISHED) // ESTABLISHED).astype(np.uint8),
        reach=events["reach"].astype(np.float64),
        references=references,
        credit_offsets=np.repeat([record.offset for record in records], sizes),
        keep=np.concatenate([record.keep for record in records]),
        undone=undone.astype(np.uint8),
        buf=np.frombuffer(b"".join([c.names.data for c in arrived]), np.uint8),
        start=np.cumsum(length) - length,
        length=length,
        produced_at_ms=np.repeat([c.produced_at_ms for c in arrived], users),
    )
