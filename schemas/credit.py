"""Credit: weighed engagements on their way from an actor's partition to their targets' partition.

One record of `renown.credits.v1` holds what one chunk of one source partition grants on one target partition,
as columns (little-endian, in this order): header, then for n events `offset_delta` u4, `at` f8, `mass` f8,
`reach` f4, `actor` u8 (keyed hash), `target` u4 (index into the names), `flags` u1 (kind, 4 = established),
then for the distinct targets `length` u2 and their names, back to back.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.errors import BrokenGuaranteeError

CREDIT_VERSION: Final = 1
ESTABLISHED: Final = 4
KIND_MASK: Final = 3
_HEADER: Final = struct.Struct("<BxHIIxxxxqq")
_COLUMNS: Final = (("offset_delta", "<u4"), ("at", "<f8"), ("mass", "<f8"), ("reach", "<f4"),
                   ("actor", "<u8"), ("target", "<u4"), ("flags", "<u1"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Credits:
    """Columns of one credit record: n events towards `len(names)` targets.

    `offsets` are engagement offsets in `source`; `produced_at_ms` is the append time of the oldest of them.
    """

    source: int
    produced_at_ms: int
    offsets: np.ndarray
    at: np.ndarray
    mass: np.ndarray
    reach: np.ndarray
    actor: np.ndarray
    target: np.ndarray
    flags: np.ndarray
    names: list[bytes]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.offsets)


def encode_credits(c: Credits) -> bytes:
    """Return the record's value; `c.offsets` ascend."""
    first = int(c.offsets[0])
    values = ((c.offsets - first), c.at, c.mass, c.reach, c.actor, c.target, c.flags)
    columns = [np.asarray(v).astype(d, copy=False).tobytes() for v, (_, d) in zip(values, _COLUMNS, strict=True)]
    lengths = np.fromiter(map(len, c.names), "<u2", len(c.names)).tobytes()
    header = _HEADER.pack(CREDIT_VERSION, c.source, len(c.offsets), len(c.names), first, c.produced_at_ms)
    return b"".join((header, *columns, lengths, *c.names))


def decode_credits(value: bytes) -> Credits:
    """Return the columns of a record; raise BrokenGuaranteeError when it is not ours (only Renown writes them)."""
    if len(value) < _HEADER.size or value[0] != CREDIT_VERSION:
        raise BrokenGuaranteeError(f"credit record of version {value[:1].hex()}, this worker reads {CREDIT_VERSION}")
    _, source, n, users, first, produced_at_ms = _HEADER.unpack_from(value)
    position, columns = _HEADER.size, []
    for _, dtype in _COLUMNS:
        columns.append(np.frombuffer(value, dtype, n, position))
        position += n * np.dtype(dtype).itemsize
    lengths = np.frombuffer(value, "<u2", users, position)
    names, position = [], position + 2 * users
    for length in lengths.tolist():
        names.append(value[position : position + length])
        position += length
    if position != len(value):
        raise BrokenGuaranteeError(f"credit record of {len(value)} bytes, its header says {position}")
    return Credits(source, produced_at_ms, columns[0].astype(np.int64) + first, *columns[1:], names)
