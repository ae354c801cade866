"""Every metric of the worker, declared once: name with base unit, meaning, closed labels, what to do when it is off.

Counters count what this process did, so a replay after a crash counts its records again.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.reasons import Reason
from streams.declaration import LIVE, Declaration, Kind, Label, Unit, about_process

_LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

STAGES: Final = ("actor", "target")

CATALOGUE: Final = (
    Declaration(
        "engagements",
        "renown_engagements",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagement records read",
        "0 for long: are producers and collectors running, and is this worker assigned partitions?",
    ),
    Declaration(
        "refused",
        "renown_refused",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagement records refused, by reason",
        "rising: `renown dlq list`; mend the producer, then `renown dlq retry`; poison: report the detail, upgrade",
        (Label("reason", tuple(r.value for r in Reason)),),
    ),
    Declaration(
        "late",
        "renown_late",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagements older than stream time by more than late_after_s",
        "rising: a source lags or replays history; they are applied decayed",
    ),
    Declaration(
        "rerouted",
        "renown_rerouted",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagements whose key was not their actor, sent to the right partition",
        "rising: mend the producer's key; re-routing costs a second trip",
    ),
    Declaration(
        "repeats",
        "renown_repeats",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagements dropped as repeats of the same act",
        "rising: a producer sends again; harmless within dedupe_horizon",
    ),
    Declaration(
        "granted",
        "renown_granted",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "engagements weighed and forwarded as credit",
        "far below engagements: look at refused and repeats",
    ),
    Declaration(
        "credited",
        "renown_credited",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "credits folded into their targets",
        "far below granted for long: the target stage lags",
    ),
    Declaration(
        "forward_repeats",
        "renown_forward_repeats",
        Kind.COUNTER,
        Unit.ENGAGEMENTS,
        "credits dropped as forwarded before, after a crash or take-over",
        "rising without restarts: report it, with the log",
    ),
    Declaration(
        "emitted",
        "renown_emitted",
        Kind.COUNTER,
        Unit.SCORES,
        "scores acknowledged by the scores topic",
        "0 while credited rises: is there a calibration yet?",
    ),
    Declaration(
        "chunk_seconds",
        "renown_chunk_seconds",
        Kind.HISTOGRAM,
        Unit.SECONDS,
        "time to apply one chunk of records to its partition, by stage",
        "its rate of seconds is how busy a worker is: near 1, add workers; over 0.25 s a chunk: shorten chunk_events",
        (Label("stage", STAGES),),
        _LATENCY_BUCKETS,
    ),
    Declaration(
        "barriers",
        "renown_barriers",
        Kind.COUNTER,
        Unit.TIMES,
        "barriers completed: state flushed, then offsets committed",
        "not rising while engagements rises: the broker is slow or away",
    ),
    Declaration(
        "barrier_seconds",
        "renown_barrier_seconds",
        Kind.HISTOGRAM,
        Unit.SECONDS,
        "duration of a barrier",
        "over a second: the broker's disk is slow, or too much state changes per commit_interval_s",
        buckets=_LATENCY_BUCKETS,
    ),
    Declaration(
        "snapshot_seconds",
        "renown_snapshot_seconds",
        Kind.HISTOGRAM,
        Unit.SECONDS,
        "part of a barrier that holds up everything else",
        "over 0.1 s: too much state changes per commit_interval_s; shorten it",
        buckets=_LATENCY_BUCKETS,
    ),
    Declaration(
        "stale_chunks",
        "renown_stale_chunks",
        Kind.COUNTER,
        Unit.TIMES,
        "chunks passed over because a rebalance made them stale; fetched again",
        "rising without rebalances: report it, with the log",
    ),
    Declaration(
        "pairs_flushed",
        "renown_pairs_flushed",
        Kind.COUNTER,
        Unit.PAIRS,
        "pair slots written to the changelog",
        "see rows_flushed",
    ),
    Declaration(
        "restored",
        "renown_restored_records",
        Kind.COUNTER,
        Unit.RECORDS,
        "changelog records read into active or standby partitions",
        "rising without standbys or rebalances: report it",
    ),
    Declaration(
        "stray",
        "renown_stray_records",
        Kind.COUNTER,
        Unit.TIMES,
        "changelog deliveries that continue nothing here, passed over",
        "rising without rebalances: report it",
    ),
    Declaration(
        "claims",
        "renown_claims",
        Kind.COUNTER,
        Unit.PARTITIONS,
        "partitions taken into ownership",
        "rising all the time: the group rebalances; look for workers that die",
    ),
    Declaration(
        "rows_flushed",
        "renown_rows_flushed",
        Kind.COUNTER,
        Unit.USERS,
        "user rows written to the changelog",
        "far above engagements: shorten nothing, lengthen commit_interval_s",
    ),
    Declaration(
        "departed",
        "renown_departed",
        Kind.COUNTER,
        Unit.USERS,
        "users deleted because they opted out or asked to be forgotten",
        "rising: people leave; `renown_refused` with reason opted_out counts what is dropped of theirs since",
    ),
    Declaration(
        "users",
        "renown_users",
        Kind.GAUGE,
        Unit.USERS,
        "users in this worker's active partitions",
        "grows for ever: expected while new people appear; plan memory",
    ),
    Declaration(
        "pairs",
        "renown_pairs",
        Kind.GAUGE,
        Unit.PAIRS,
        "pair slots in this worker's active partitions",
        "grows with who meets whom; plan memory as `renown plan` says",
    ),
    Declaration(
        "partitions",
        "renown_partitions",
        Kind.GAUGE,
        Unit.PARTITIONS,
        "partitions that this worker scores",
        "0: more workers than partitions, or it is still recovering",
    ),
    Declaration(
        "stream_time",
        "renown_stream_time_seconds",
        Kind.GAUGE,
        Unit.SECONDS,
        "stream time: the greatest event time seen",
        "behind the clock: sources lag",
    ),
    Declaration(
        "calibration_version",
        "renown_calibration_version",
        Kind.GAUGE,
        Unit.VERSION,
        "version of the calibration map in use",
        "not rising for hours of events: is the owner of partition 0 alive?",
    ),
    Declaration(
        "restore_seconds",
        "renown_restore_seconds",
        Kind.HISTOGRAM,
        Unit.SECONDS,
        "time to apply one delivery of changelog records",
        "seconds: large state; give standbys",
        buckets=_LATENCY_BUCKETS,
    ),
)


class Metrics:
    """The live metrics in one registry, every label value present from the start."""

    engagements: Counter
    refused: Counter
    late: Counter
    rerouted: Counter
    repeats: Counter
    granted: Counter
    credited: Counter
    forward_repeats: Counter
    emitted: Counter
    departed: Counter
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
