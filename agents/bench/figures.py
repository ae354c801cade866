"""Figures of repeated runs: every one declared with its unit, shown as median and spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Run = dict[str, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: `name` in the document, unit, what it says."""

    name: str
    unit: str
    meaning: str


def summary(figures: Sequence[Figure], runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Return unit, median, least and greatest value of each figure over the runs.

    >>> summary([Figure("a", "s", "time")], [{"a": 1.0}, {"a": 4.0}, {"a": 2.0}])
    {'a': {'unit': 's', 'median': 2.0, 'min': 1.0, 'max': 4.0}}
    """
    return {figure.name: _spread(figure, [run[figure.name] for run in runs]) for figure in figures}


def _spread(figure: Figure, values: list[float]) -> dict[str, Any]:
    return {"unit": figure.unit, "median": median(values), "min": min(values), "max": max(values)}


def quantile(ranked: Sequence[float], share: float) -> float:
    """Return the value that `share` of the ascending values do not exceed, by rank.

    >>> quantile([10, 20, 30, 40], 0.5), quantile([10, 20, 30, 40], 0.999)
    (20, 40)
    """
    rank = -int(-len(ranked) * share // 1)
    return ranked[min(len(ranked), max(1, rank)) - 1]
