"""Score versions that grow for ever: numbers from a reserve that is durable before any of them is used.

After a crash the next owner starts above the whole reserve, so its scores are newer than any that the former
owner may still write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from streams.engine.partition import Partition

RESERVED = b"versions"
BLOCK = 1 << 24
"""2^24 scores between barriers; 2^53 is where readers that take numbers as doubles would lose them."""


class Versions:
    """One partition's versions."""

    def __init__(self, stored: bytes | None) -> None:
        self.durable = int.from_bytes(stored or b"", "little")
        self.next = self.durable
        self._reserving = self.durable

    def room(self) -> int:
        """Return how many versions may be used before the next barrier."""
        return self.durable - self.next

    def take(self, count: int) -> np.ndarray:
        """Return the next `count` versions i8; `count` must be within `room()`."""
        if count > self.room():
            raise ValueError(count)
        self.next += count
        return np.arange(self.next - count, self.next)

    def reserve(self) -> bytes | None:
        """Return the reserve to make durable when it runs low, else None; called in the barrier's snapshot."""
        if self.durable - self.next > BLOCK // 2:
            return None
        self._reserving = self.next + BLOCK
        return self._reserving.to_bytes(8, "little")

    def reserved(self) -> None:
        """Use what `reserve` returned last: the barrier has made it durable."""
        self.durable = max(self.durable, self._reserving)


def versions_of(partition: Partition) -> Versions:
    """Return the partition's versions, above everything that a former owner may have used."""
    found: Versions | None = partition.extra.get("versions")
    if found is None:
        found = partition.extra["versions"] = Versions(partition.meta.get(RESERVED))
    return found


def store_reserve(partition: Partition) -> None:
    """Hand a new reserve to the partition's metas when the old one runs low."""
    raw = versions_of(partition).reserve()
    if raw is not None:
        partition.set_meta(RESERVED, raw)
