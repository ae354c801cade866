"""How a metric is declared: one shape for every part's catalogue, and the live metric made from it.

Names follow Prometheus: base units, `_total` for counters (put on by the client). A label is a closed set of
values, so that every series is there at zero from the start; an open one is a name that an operator gave
(a source, a key, a partition), never a user's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from itertools import product
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)


class Kind(StrEnum):
    """What a metric does over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Unit(StrEnum):
    """What a metric counts or measures; `TRUTH` is 1 or 0, `RATIO` 0 to 1."""

    SECONDS = "seconds"
    RECORDS = "records"
    ENGAGEMENTS = "engagements"
    SCORES = "scores"
    USERS = "users"
    PAIRS = "pairs"
    PARTITIONS = "partitions"
    REQUESTS = "requests"
    TIMES = "times"
    POINTS = "points"
    RATIO = "ratio"
    VERSION = "version"
    TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class Label:
    """A label; without `values` it is open, and `holds` says what stands there."""

    name: str
    values: tuple[str, ...] = ()
    holds: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One metric of a catalogue; `field` is its attribute on the object that holds the live metrics."""

    field: str
    name: str
    kind: Kind
    unit: Unit
    meaning: str
    remedy: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def help(self) -> str:
        """Return what the exposition says of the metric: the meaning, then what to do about it."""
        return f"{self.meaning}; {self.remedy}"

    @property
    def exported(self) -> str:
        """Return the name of the family as queries know it: a counter's ends in `_total`."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name


def counter(d: Declaration, registry: CollectorRegistry, **given: str) -> Counter:
    """Return the live counter of `d`; `given` are values of its open labels."""
    return _at_zero(Counter(d.name, d.help, _names(d), registry=registry), d, given)


def gauge(d: Declaration, registry: CollectorRegistry, **given: str) -> Gauge:
    """Return the live gauge of `d`; `given` are values of its open labels."""
    return _at_zero(Gauge(d.name, d.help, _names(d), registry=registry), d, given)


def histogram(d: Declaration, registry: CollectorRegistry, **given: str) -> Histogram:
    """Return the live histogram of `d`; `given` are values of its open labels."""
    return _at_zero(Histogram(d.name, d.help, _names(d), registry=registry, buckets=d.buckets), d, given)


LIVE: Final = {Kind.COUNTER: counter, Kind.GAUGE: gauge, Kind.HISTOGRAM: histogram}


def _names(d: Declaration) -> list[str]:
    return [label.name for label in d.labels]


def _at_zero(metric: M, d: Declaration, given: dict[str, str]) -> M:
    """Return the metric with a series for every combination of known label values."""
    if d.labels:
        for values in product(*(_known(label, given) for label in d.labels)):
            metric.labels(*values)
    return metric


def _known(label: Label, given: dict[str, str]) -> Iterable[str]:
    return (given[label.name],) if label.name in given else label.values


BUILD: Final = Declaration(
    "build",
    "renown_build_info",
    Kind.GAUGE,
    Unit.TRUTH,
    "1, with the version that this process runs",
    "two versions for long: a rolling upgrade has stopped half way",
    (Label("version", holds="the version of Renown"),),
)


def about_process(registry: CollectorRegistry) -> None:
    """Add what every process tells of itself: its version, and `process_*`: CPU time, memory, files, start.

    To be called before metrics are made: from here on none brings a second series that says when it was made.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    gauge(BUILD, registry, version=version("renown")).labels(version("renown")).set(1)
