"""Every metric of every part, in one place: what dashboards are made from and alerts are checked against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from agents.ingest import http_metrics
from agents.ingest.live import metrics as collect_metrics
from agents.operations.monitor import metrics as monitor_metrics
from agents.scoring import metrics as scoring_metrics
from agents.web import metrics as web_metrics
from streams import catalogue as worker_catalogue
from streams.declaration import BUILD, Declaration
from streams.metrics import Metrics

SAMPLE_NAME: Final = "example"
"""Stands for an open label's value where a catalogue is shown without a running part."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of process: the job that scrapes it, its metrics, and a registry as it is at its start."""

    job: str
    command: str
    declarations: tuple[Declaration, ...]
    at_start: Callable[[], CollectorRegistry]


def _worker() -> CollectorRegistry:
    return Metrics().registry


def _scoring() -> CollectorRegistry:
    registry = CollectorRegistry()
    scoring_metrics.ScoringMetrics(registry)
    return registry


def _http() -> CollectorRegistry:
    registry = CollectorRegistry()
    http_metrics.HttpMetrics(registry, [SAMPLE_NAME])
    return registry


def _collect() -> CollectorRegistry:
    registry = CollectorRegistry()
    collect_metrics.CollectMetrics(registry, SAMPLE_NAME)
    return registry


def _web() -> CollectorRegistry:
    registry = CollectorRegistry()
    web_metrics.WebMetrics(registry)
    return registry


def _monitor() -> CollectorRegistry:
    registry = CollectorRegistry()
    monitor_metrics.MonitorMetrics(registry, 1)
    return registry


PARTS: Final = (
    Part("renown-worker", "renown worker", worker_catalogue.CATALOGUE, _worker),
    Part("renown-scoring", "renown scoring", scoring_metrics.CATALOGUE, _scoring),
    Part("renown-http", "renown collect http", http_metrics.CATALOGUE, _http),
    Part("renown-collect", "renown collect SOURCE", collect_metrics.CATALOGUE, _collect),
    Part("renown-web", "renown serve", web_metrics.CATALOGUE, _web),
    Part("renown-monitor", "renown monitor", monitor_metrics.CATALOGUE, _monitor),
)


def declared() -> dict[str, Declaration]:
    """Return every declaration by the name that queries use."""
    found = {BUILD.exported: BUILD}
    for part in PARTS:
        found |= {each.exported: each for each in part.declarations}
    return found
