"""What the engine tells about itself; the caller decides where it goes."""

from __future__ import annotations

from typing import Protocol


class EngineMetrics(Protocol):
    """Counters and durations; every duration is in seconds."""

    def chunk(self, step: str, events: int, duration_s: float) -> None:
        """Note a chunk applied to its partition."""

    def stale_chunk(self, step: str) -> None:
        """Note a chunk passed over because a rebalance made it stale; it will be fetched again."""

    def barrier(self, users: int, pairs: int, snapshot_s: float, duration_s: float) -> None:
        """Note users and pairs made durable; `snapshot_s` is the part that held up everything else."""

    def restored(self, partition: int, records: int, duration_s: float) -> None:
        """Note changelog records that entered a partition, active or standby."""

    def stray(self, partition: int) -> None:
        """Note changelog records passed over because they continue nothing."""

    def claimed(self, partition: int) -> None:
        """Note that this worker became the owner of a partition."""


class NoMetrics:
    """Drops everything."""

    def chunk(self, step: str, events: int, duration_s: float) -> None:
        """Drop it."""

    def stale_chunk(self, step: str) -> None:
        """Drop it."""

    def barrier(self, users: int, pairs: int, snapshot_s: float, duration_s: float) -> None:
        """Drop it."""

    def restored(self, partition: int, records: int, duration_s: float) -> None:
        """Drop it."""

    def stray(self, partition: int) -> None:
        """Drop it."""

    def claimed(self, partition: int) -> None:
        """Drop it."""
