"""A granted log as the changelog holds it: segments, each under the offset of its first entry.

A segment goes as a whole, and not before every undo that could still find one of its entries has become durable: what
had expired at one barrier goes with the next.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Entries = npt.NDArray[Any]
Change = tuple[int, Entries | None]
"""The offset of a segment's first entry, and its entries, None when they have expired."""
MOST: Final = 4_096
"""Entries of a segment, 168 kB."""
FEW: Final = 512
"""A last segment of fewer is written again with what follows, so that quiet partitions leave few segments."""


class Segments:
    """Which segments the changelog holds: by first offset how many entries, and the newest instant among them."""

    def __init__(self) -> None:
        self.loaded: dict[int, Entries | None] = {}
        self.written = 0
        self._held: dict[int, tuple[int, float]] = {}
        self._rewritten: set[int] = set()
        self._expired_before = -np.inf

    @property
    def rewritten(self) -> bool:
        """Whether entries changed that are in the changelog."""
        return bool(self._rewritten)

    def load(self, first: int, entries: Entries | None) -> None:
        """Take in a segment as the changelog has it now."""
        self.loaded[first] = entries

    def merged(self, entries: Entries) -> Entries:
        """Return what all segments hold, in order; `entries` are those from before the last `load`."""
        found: dict[int, Entries | None] = {}
        end = 0
        for first, (count, _) in self._held.items():
            found[first] = entries[end : end + count]
            end += count
        kept = {first: each for first, each in sorted((found | self.loaded).items()) if each is not None}
        self.loaded = {}
        self._held = {first: (len(each), _newest(each)) for first, each in kept.items()}
        self.written = sum(map(len, kept.values()))
        return np.concatenate(list(kept.values())) if kept else entries[:0]

    def rewrite(self, changed: npt.NDArray[np.int64]) -> None:
        """Note which entries (by place) changed."""
        firsts, counts = list(self._held), [count for count, _ in self._held.values()]
        places = np.unique(np.searchsorted(np.cumsum(counts), changed, side="right"))
        self._rewritten |= {firsts[place] for place in places.tolist() if place < len(firsts)}

    def changes(self, entries: Entries, expired_before: float) -> tuple[int, list[Change]]:
        """Return how many of the first `entries` are gone, and what the changelog is to be told."""
        before, gone = self.written, self._expire()
        self._expired_before = expired_before
        start = end = before - self.written
        self._reopen(len(entries) > before)
        changes: list[Change] = [(first, None) for first in gone]
        for first, (count, _) in self._held.items():
            if first in self._rewritten:
                changes.append((first, entries[end : end + count].copy()))
            end += count
        self._rewritten = set()
        return start, [*changes, *self._cut(entries[end:])]

    def _expire(self) -> list[int]:
        """Drop the oldest segments that have expired; return their first offsets."""
        gone = []
        for first, (count, newest) in list(self._held.items()):
            if newest >= self._expired_before:
                break
            del self._held[first]
            self.written -= count
            gone.append(first)
        return gone

    def _reopen(self, more: bool) -> None:  # noqa: FBT001 - private
        """Have the last segment cut anew when it holds few and more follow."""
        last = next(reversed(self._held), None)
        if more and last is not None and self._held[last][0] < FEW:
            self.written -= self._held.pop(last)[0]

    def _cut(self, entries: Entries) -> list[Change]:
        """Return `entries`, which are in no segment, in segments."""
        cut = [entries[start : start + MOST].copy() for start in range(0, len(entries), MOST)]
        self._held |= {int(each["offset"][0]): (len(each), _newest(each)) for each in cut}
        self.written += len(entries)
        return [(int(each["offset"][0]), each) for each in cut]


def _newest(entries: Entries) -> float:
    return float(entries["at"].max())
