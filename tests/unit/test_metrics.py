"""The worker's metrics: complete, and moved by what the engine reports."""

from __future__ import annotations

from streams.catalogue import CATALOGUE
from streams.metrics import EngineAdapter, Metrics


def test_every_field_is_declared_once() -> None:
    """The annotations that code uses and the catalogue must not drift apart."""
    declared = [d.field for d in CATALOGUE]
    assert len(declared) == len(set(declared))
    assert set(declared) == set(Metrics.__annotations__)


def test_what_the_engine_reports_is_counted() -> None:
    """Busy seconds by stage, and each barrier with what it made durable."""
    metrics = Metrics()
    adapter = EngineAdapter(metrics)
    adapter.chunk("target", 10, 0.2)
    adapter.barrier(users=3, pairs=4, snapshot_s=0.01, duration_s=0.5)
    told = metrics.registry.get_sample_value
    assert told("renown_chunk_seconds_sum", {"stage": "target"}) == 0.2
    assert told("renown_chunk_seconds_count", {"stage": "actor"}) == 0.0
    assert told("renown_rows_flushed_total") == 3
    assert told("renown_pairs_flushed_total") == 4
    assert told("renown_barrier_seconds_sum") == 0.5
