"""How far each source partition has arrived: forwards at or below the mark came before.

The log of forwards holds a prefix of every source partition, repeated stretches included, because each worker
appends one batch at a time and dies on the first failure. So one offset per source partition is enough, also
for what a former owner still sent.
"""

from __future__ import annotations

import numpy as np

from schemas.errors import BrokenGuaranteeError

NOTHING = -1


class Watermarks:
    """The last applied source offset of every source partition, -1 for none."""

    def __init__(self, count: int) -> None:
        """Start with nothing arrived from `count` source partitions."""
        self.applied = np.full(count, NOTHING, np.int64)

    @classmethod
    def from_bytes(cls, value: bytes, count: int) -> Watermarks:
        """Return the marks that `to_bytes` wrote; BrokenGuaranteeError for another partition count."""
        found = np.frombuffer(value, "<i8")
        if len(found) != count:
            message = f"watermarks of {len(found)} source partitions, but there are {count}; repartition the table"
            raise BrokenGuaranteeError(message)
        marks = cls(count)
        marks.applied[:] = found
        return marks

    def to_bytes(self) -> bytes:
        """Return the marks for a partition's meta."""
        return self.applied.astype("<i8").tobytes()

    def fresh(self, source: int, offsets: np.ndarray, keep: np.ndarray) -> None:
        """Set keep (u1[n]) to 0 where a source offset (i8[n]) has been applied before."""
        keep[offsets <= self.applied[source]] = 0

    def advance(self, source: int, offset: int) -> None:
        """Note that everything of `source` up to `offset` is applied; never moves back."""
        self.applied[source] = max(int(self.applied[source]), offset)
