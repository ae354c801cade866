"""Credit: weighed engagements on their way from an actor's partition to their targets' partition.

One record of `renown.credits.v1` holds what one chunk of one source partition grants on one target partition
(little-endian, back to back): header; n events of dtype `EVENT`; then of the distinct targets their `length` u2
and their names. A record that takes something back is of version 2: before the lengths stand k offsets i8, one for
each event with UNDO, of the engagement that is taken back; the event says what that act had given.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from schemas.errors import BrokenGuaranteeError
from schemas.versions import newer

CREDIT_VERSION: Final = 2
PLAIN: Final = 1
"""Version of a record that takes nothing back."""
ESTABLISHED: Final = 4
UNDO: Final = 8
KIND_MASK: Final = 3
EVENT: Final = np.dtype(
    [
        ("at", "<f8"),  # event time in seconds
        ("mass", "<f8"),
        ("actor", "<u8"),  # keyed hash
        ("reach", "<f4"),
        ("offset_delta", "<u4"),  # engagement offset above the record's first
        ("target", "<u4"),  # index into the record's names
        ("flags", "<u4"),  # kind, ESTABLISHED, UNDO
    ]
)
_HEADER: Final = struct.Struct("<BxHIIxxxxqq")


@dataclass(frozen=True, slots=True)
class Credits:
    """One credit record: `events` (EVENT[n], offsets ascending) towards `len(lengths)` distinct targets.

    `first` is the engagement offset of the first event in partition `source`; `produced_at_ms` is the append time
    of the oldest. Target i is called by the next `lengths[i]` (u2) bytes of `names` (u1). `undone` (i8[k]) are the
    offsets in `source` of the engagements that the events with UNDO take back.
    """

    source: int
    produced_at_ms: int
    first: int
    events: np.ndarray
    lengths: np.ndarray
    names: np.ndarray
    undone: np.ndarray = field(default_factory=lambda: np.empty(0, "<i8"))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.events)


def encode_credits(c: Credits) -> bytes:
    """Return the record's value."""
    version = CREDIT_VERSION if len(c.undone) else PLAIN
    header = _HEADER.pack(version, c.source, len(c.events), len(c.lengths), c.first, c.produced_at_ms)
    return b"".join((header, c.events.data, c.undone.data, c.lengths.data, c.names.data))


def decode_credits(value: bytes) -> Credits:
    """Return what a record says; raise BrokenGuaranteeError when it is not ours (only Renown writes them)."""
    if value and value[0] > CREDIT_VERSION:
        raise newer("a credit record", "credit", value[0], CREDIT_VERSION)
    if len(value) < _HEADER.size or value[0] < PLAIN:
        raise BrokenGuaranteeError(f"credit record of version {value[:1].hex()}, this worker reads {CREDIT_VERSION}")
    version, source, n, users, first, produced_at_ms = _HEADER.unpack_from(value)
    middle = _HEADER.size + n * EVENT.itemsize
    if n < 1 or middle + 2 * users > len(value):
        raise BrokenGuaranteeError(f"credit record of {len(value)} bytes cannot hold {n} events, {users} targets")
    events = np.frombuffer(value, EVENT, n, _HEADER.size)
    takes_back = 0 if version == PLAIN else int(np.count_nonzero(events["flags"] & UNDO))
    undone = np.frombuffer(value, "<i8", min(takes_back, (len(value) - middle) // 8), middle)
    middle += undone.nbytes
    if len(undone) < takes_back or middle + 2 * users > len(value):
        raise BrokenGuaranteeError(f"credit record of {len(value)} bytes cannot hold {takes_back} undos")
    lengths = np.frombuffer(value, "<u2", users, middle)
    names = np.frombuffer(value, np.uint8, offset=middle + 2 * users)
    if int(lengths.sum(dtype=np.int64)) != len(names) or int(events["target"].max()) >= users:
        raise BrokenGuaranteeError(f"credit record of {len(value)} bytes contradicts its {users} targets")
    return Credits(source, produced_at_ms, first, events, lengths, names, undone)
