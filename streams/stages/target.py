"""Target stage: applies credits where the target's state lives, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from schemas.credit import decode_credits
from schemas.errors import BrokenGuaranteeError
from schemas.reasons import Reason
from schemas.transfer import is_transfer
from streams.clock import wall_ms
from streams.engine.watermarks import Watermarks
from streams.model.isolation import Poison
from streams.model.target import credit
from streams.stages.arrival import Arrived, Batch, fresh, joined, without
from streams.stages.credit_letters import SOURCE, credit_letter
from streams.stages.pending import Pending, pending_of
from streams.stages.poison_plan import CREDIT, PoisonPlan, planned
from streams.stages.quarantine import PoisonError, endure
from streams.stages.suppression import Suppression

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters
    from streams.stages.letters import Outbox
    from streams.stages.relay import Relay
    from streams.stages.stream_time import StreamTime

WATERMARKS = b"watermarks"
APPLIED = b"applied"


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


@dataclass(frozen=True, slots=True)
class TargetStage:
    """Applies chunks of credits; everything it needs is handed in."""

    partitions: int
    parameters: Parameters
    outbox: Outbox
    stream_time: StreamTime
    metrics: Metrics
    plan: PoisonPlan | None = field(default_factory=planned)
    suppression: Suppression = field(default_factory=Suppression)
    relay: Relay | None = None

    def apply(self, partition: Partition, chunk: Chunk) -> None:
        """Fold every credit that is above the watermark of its source partition into its target."""
        progress = progress_of(partition, self.partitions)
        records: list[Arrived] = []
        for value, offset in zip(chunk.values, chunk.offsets.tolist(), strict=True):
            if value is None:
                raise BrokenGuaranteeError(f"{chunk.topic}-{chunk.partition}@{offset}: a credit record without value")
            if is_transfer(value):
                self._fold(partition, chunk, records)
                records = []
                self._arrive(partition, offset, value)
                continue
            record = decode_credits(value)
            keep = fresh(progress.marks, record)
            self.metrics.forward_repeats.inc(len(keep) - int(keep.sum()))
            if keep.any():
                records.append(Arrived(offset, record, keep))
        self._fold(partition, chunk, records)
        progress.applied = chunk.last + 1

    def _arrive(self, partition: Partition, offset: int, value: bytes) -> None:
        if self.relay is None:
            raise BrokenGuaranteeError(f"credits-{partition.number}@{offset}: a transfer, and no links here")
        self.relay.arrive(partition, offset, value)

    def _fold(self, partition: Partition, chunk: Chunk, records: list[Arrived]) -> None:
        """Fold what counts of `records` into its targets, or send it on where a target is somebody's account."""
        batch = self._counting(partition, joined(records)) if records else None
        if batch is not None and len(batch.at) and self.relay is not None:
            batch = self.relay.rest(partition, batch)
        if batch is not None and len(batch.at):
            self._credit(partition, chunk, batch)

    def _counting(self, partition: Partition, c: Batch) -> Batch:
        """Return the batch without what is by or about somebody who opted out, or was forgotten since."""
        if not self.suppression:
            return c
        hashes, appended = partition.index.hashes_at(c.buf, c.start, c.length), c.produced_at_ms[c.targets]
        out = self.suppression.drops(hashes[c.targets], appended) | self.suppression.drops(c.actors, appended)
        if not out.any():
            return c
        self.metrics.refused.labels(Reason.OPTED_OUT.value).inc(int((out & (c.keep == 1)).sum()))
        return without(c, out)

    def _credit(self, partition: Partition, chunk: Chunk, c: Batch) -> None:
        users, poison = partition.slots_at(c.buf, c.start, c.length), Poison()
        applied = credit(
            partition.state,
            users[c.targets],
            c.actors,
            c.kinds,
            c.at,
            self._masses(c),
            c.established,
            c.reach,
            c.references,
            c.credit_offsets,
            c.keep,
            self.parameters,
            poison,
            c.undone,
        )
        self._refuse(partition, chunk, c, [(i, PoisonError(error)) for i, error in poison])
        at, produced_at_ms = c.at, c.produced_at_ms
        if poison:
            spoiled = [i for i, _ in poison]
            at, reached = np.delete(at, spoiled), np.unique(np.delete(c.targets, spoiled))
            users, produced_at_ms = users[reached], produced_at_ms[reached]
        if len(at):
            self.metrics.applied_seconds.observe(max(0, wall_ms() - int(produced_at_ms.min())) / 1000)
            self.stream_time.advance(float(at.max()))
            _mark(pending_of(partition), users, produced_at_ms)
        self.metrics.credited.inc(applied)

    def _masses(self, c: Batch) -> np.ndarray:
        """Return what the events grant (f8), no number where they are told to fail."""
        if self.plan is None:
            return c.mass
        names = [c.buf[start : start + size].tobytes() for start, size in zip(c.start, c.length, strict=True)]
        return np.where(np.isin(c.targets, self.plan.named(CREDIT, names)), np.nan, c.mass)

    def _refuse(self, partition: Partition, chunk: Chunk, c: Batch, poison: list[tuple[int, PoisonError]]) -> None:
        endure(partition, SOURCE, len(c.at), poison)
        for i, error in poison:
            self.metrics.refused.labels(error.reason.value).inc()
            self.outbox.refuse(credit_letter(chunk, c, i, error))


def _mark(pending: Pending, users: np.ndarray, produced_at_ms: np.ndarray) -> None:
    """Have `users` wait; whoever did not wait before does so since the first of its `produced_at_ms`."""
    pending.mark(users)
    unset = np.flatnonzero(pending.produced_at_ms[users] == 0)[::-1]
    # Of repeated users the last assignment holds, which the reversal makes the first.
    pending.produced_at_ms[users[unset]] = produced_at_ms[unset]


def store_progress(partition: Partition) -> None:
    """Hand the progress to the partition's metas; called in the barrier's snapshot."""
    progress: Progress | None = partition.extra.get("progress")
    if progress is not None:
        applied = progress.applied.to_bytes(8, "little")
        if partition.meta.get(APPLIED) != applied:
            partition.set_meta(APPLIED, applied)
            partition.set_meta(WATERMARKS, progress.marks.to_bytes())
