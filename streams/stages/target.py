"""Target stage: applies credits where the target's state lives, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.credit import ESTABLISHED, KIND_MASK, Credits, decode_credits
from schemas.errors import BrokenGuaranteeError
from streams.engine.watermarks import Watermarks
from streams.model.target import credit
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters
    from streams.stages.stream_time import StreamTime

WATERMARKS = b"watermarks"
APPLIED = b"applied"
_KIND_SHIFT, _SOURCE_SHIFT = 60, 48


@dataclass(slots=True)
class Progress:
    """How far a partition has come: the watermark of every source partition, and the credit offset before which
    everything is applied.
    """

    marks: Watermarks
    applied: int = 0


def progress_of(partition: Partition, partitions: int) -> Progress:
    """Return the partition's progress, at first as its metas hold it."""
    found: Progress | None = partition.extra.get("progress")
    if found is None:
        stored = partition.meta.get(WATERMARKS)
        marks = Watermarks(partitions) if stored is None else Watermarks.from_bytes(stored, partitions)
        applied = int.from_bytes(partition.meta.get(APPLIED, b""), "little")
        found = partition.extra["progress"] = Progress(marks, applied)
    return found


def references(c: Credits) -> np.ndarray:
    """Return i8[n]: kind, source partition and offset of each event in one number, for "top events"."""
    kinds = (c.flags & KIND_MASK).astype(np.int64)
    return (kinds << _KIND_SHIFT) | (np.int64(c.source) << _SOURCE_SHIFT) | c.offsets


@dataclass(frozen=True, slots=True)
class TargetStage:
    """Applies chunks of credits; everything it needs is handed in."""

    partitions: int
    parameters: Parameters
    stream_time: StreamTime
    metrics: Metrics

    def apply(self, partition: Partition, chunk: Chunk) -> None:
        """Fold every credit that is above the watermark of its source partition into its target."""
        for value, offset in zip(chunk.values, chunk.offsets.tolist(), strict=True):
            if value is None:
                raise BrokenGuaranteeError(f"{chunk.topic}-{chunk.partition}@{offset}: a credit record without value")
            self._credit(partition, decode_credits(value), offset)
        progress_of(partition, self.partitions).applied = chunk.last + 1

    def _credit(self, partition: Partition, c: Credits, offset: int) -> None:
        marks = progress_of(partition, self.partitions).marks
        keep = np.ones(len(c), np.uint8)
        marks.fresh(c.source, c.offsets, keep)
        self.metrics.forward_repeats.inc(len(c) - int(keep.sum()))
        if not keep.any():
            return
        marks.advance(c.source, int(c.offsets[-1]))
        users = partition.slots(c.names)
        kinds, est = c.flags & KIND_MASK, (c.flags & ESTABLISHED) // ESTABLISHED
        applied = credit(
            partition.state,
            users[c.target],
            c.actor,
            kinds,
            c.at,
            c.mass,
            est,
            c.reach.astype(np.float64),
            references(c),
            offset,
            keep,
            self.parameters,
        )
        self.stream_time.advance(float(c.at.max()))
        pending_of(partition).mark(users, c.produced_at_ms)
        self.metrics.credited.inc(applied)


def store_progress(partition: Partition) -> None:
    """Hand the progress to the partition's metas; called in the barrier's snapshot."""
    progress: Progress | None = partition.extra.get("progress")
    if progress is not None:
        applied = progress.applied.to_bytes(8, "little")
        if partition.meta.get(APPLIED) != applied:
            partition.set_meta(APPLIED, applied)
            partition.set_meta(WATERMARKS, progress.marks.to_bytes())
