"""The worker's live metrics, and what the engine reports into them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.catalogue import CATALOGUE
from streams.declaration import LIVE, about_process


class Metrics:
    """The live metrics in one registry, every label value present from the start."""

    engagements: Counter
    refused: Counter
    late: Counter
    rerouted: Counter
    repeats: Counter
    granted: Counter
    undone: Counter
    credited: Counter
    forward_repeats: Counter
    relayed: Counter
    emitted: Counter
    departed: Counter
    applied_seconds: Histogram
    scored_seconds: Histogram
    chunk_seconds: Histogram
    barriers: Counter
    barrier_seconds: Histogram
    snapshot_seconds: Histogram
    stale_chunks: Counter
    pairs_flushed: Counter
    restored: Counter
    stray: Counter
    claims: Counter
    rows_flushed: Counter
    users: Gauge
    pairs: Gauge
    partitions: Gauge
    stream_time: Gauge
    calibration_version: Gauge
    restore_seconds: Histogram

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        about_process(self.registry)
        for d in CATALOGUE:
            setattr(self, d.field, LIVE[d.kind](d, self.registry))


class EngineAdapter:
    """What the engine reports, into the catalogue."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def chunk(self, step: str, events: int, duration_s: float) -> None:  # noqa: ARG002 - stages count their own events
        """Note how long a stage was busy with a chunk."""
        self._metrics.chunk_seconds.labels(step).observe(duration_s)

    def stale_chunk(self, step: str) -> None:  # noqa: ARG002 - the protocol names the step
        """Count a chunk that a rebalance made stale."""
        self._metrics.stale_chunks.inc()

    def barrier(self, users: int, pairs: int, snapshot_s: float, duration_s: float) -> None:
        """Count a barrier and what it made durable."""
        m = self._metrics
        m.barriers.inc()
        m.rows_flushed.inc(users)
        m.pairs_flushed.inc(pairs)
        m.snapshot_seconds.observe(snapshot_s)
        m.barrier_seconds.observe(duration_s)

    def restored(self, partition: int, records: int, duration_s: float) -> None:  # noqa: ARG002
        """Count records that entered a partition."""
        self._metrics.restored.inc(records)
        self._metrics.restore_seconds.observe(duration_s)

    def stray(self, partition: int) -> None:  # noqa: ARG002
        """Count a delivery that continues nothing."""
        self._metrics.stray.inc()

    def claimed(self, partition: int) -> None:  # noqa: ARG002
        """Count a claim."""
        self._metrics.claims.inc()
