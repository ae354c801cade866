"""Predictive value: at every cut each score ranks everybody known so far, and what follows says how well.

Ranked are all who have received an act up to the cut: whom nobody has seen, no score can foretell, and `foreseeable`
says how much of what followed befell the others. The product's `raw` ranks its leaderboards, so every other score is
compared with it: mean difference over the cuts, and that mean's standard error from the paired differences. A horizon
is measured at the cuts that have as much recording after them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.epochs import Epochs
from agents.evidence.cuts import spelt
from agents.evidence.outcomes import ENGAGERS, OUTCOMES, between, outcomes, until
from agents.evidence.ranking import ndcg, precision, spearman
from agents.evidence.scores import MEANINGS, PRODUCT, scores_at
from agents.recorded import Acts, Recorded
from schemas.instants import rfc3339
from streams.model.parameters import Parameters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Metric = Callable[[Floats, Floats], float]
METRICS: Final[dict[str, tuple[str, Metric]]] = {
    "ndcg_50": ("NDCG@50", lambda score, outcome: ndcg(score, outcome, 50)),
    "ndcg_1000": ("NDCG@1000", lambda score, outcome: ndcg(score, outcome, 1000)),
    "precision_100": ("P@100", lambda score, outcome: precision(score, outcome, 100)),
    "spearman": ("Spearman", spearman),
}
Key = tuple[float, str, str, str]  # horizon in seconds, outcome, score, metric


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate: instants and horizons in seconds, the model's parameters and name."""

    cuts: tuple[float, ...]
    horizons: tuple[float, ...]
    parameters: Parameters
    model: str


def difference(values: Sequence[float], product: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean difference to the product and its standard error: sd of the paired differences / sqrt(n).

    The error is None for fewer than two cuts.

    >>> difference([1.0, 3.0], [0.0, 0.0])
    (2.0, 1.0)
    """
    paired = np.asarray(values) - np.asarray(product)
    error = float(paired.std(ddof=1) / math.sqrt(len(paired))) if len(paired) > 1 else None
    return float(paired.mean()), error


def evaluate(found: Recorded, plan: Plan, advance: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Return the evaluation as a document that JSON can hold; `advance` is told how many cuts are done."""
    acts, users = found.acts.in_order(), len(found.users)
    epochs = Epochs(acts, users, plan.parameters)
    measured: dict[Key, list[float]] = {}
    known: list[tuple[int, dict[str, float | None]]] = []
    for number, at in enumerate(plan.cuts, 1):
        scores = scores_at(epochs, acts, users, at, plan.parameters)
        past = until(acts, at)
        ranked = np.unique(past.targets)
        ahead = {h: outcomes(past, between(acts, at, at + h), users) for h in fitting(acts, at, plan.horizons)}
        for key, value in _measured(scores, ahead, ranked):
            measured.setdefault(key, []).append(value)
        known.append((len(ranked), _foreseeable(ahead, ranked)))
        advance(number)
    cells = [_cell(key, values, measured[(*key[:2], PRODUCT, key[3])]) for key, values in measured.items()]
    return _described(found, acts, plan, known) | {"cells": cells}


def fitting(acts: Acts, at: float, horizons: Sequence[float]) -> list[float]:
    """Return the horizons that end before the acts, which must be in order of time, do."""
    return [horizon for horizon in horizons if at + horizon <= acts.at[-1]]


def _foreseeable(ahead: Mapping[float, Mapping[str, Floats]], ranked: Ints) -> dict[str, float | None]:
    """Return the share of each horizon's engagers who engaged with somebody ranked."""
    shares = {}
    for horizon, counted in ahead.items():
        engagers = counted[ENGAGERS]
        shares[spelt(horizon)] = _finite(float(engagers[ranked].sum() / engagers.sum())) if engagers.any() else None
    return shares


def _measured(
    scores: Mapping[str, Floats], ahead: Mapping[float, Mapping[str, Floats]], ranked: Ints
) -> Iterator[tuple[Key, float]]:
    for horizon, counted in ahead.items():
        for outcome, numbers in counted.items():
            for score, column in scores.items():
                for metric, (_, measure) in METRICS.items():
                    yield (horizon, outcome, score, metric), measure(column[ranked], numbers[ranked])


def _cell(key: Key, values: list[float], product: list[float]) -> dict[str, Any]:
    horizon, outcome, score, metric = key
    mean_difference, error = difference(values, product)
    return {
        "horizon": spelt(horizon),
        "outcome": outcome,
        "score": score,
        "metric": metric,
        "mean": _finite(float(np.mean(values))),
        "difference": _finite(mean_difference),
        "standard_error": None if error is None else _finite(error),
        "values": [_finite(value) for value in values],
    }


def _finite(value: float) -> float | None:
    """Return `value` as JSON can hold it: None where there was nothing to measure."""
    return round(value, 6) if math.isfinite(value) else None


def _described(
    found: Recorded, acts: Acts, plan: Plan, known: Sequence[tuple[int, dict[str, float | None]]]
) -> dict[str, Any]:
    return {
        "model": plan.model,
        "acts": len(acts),
        "users": len(found.users),
        "refused": {reason.value: count for reason, count in sorted(found.refused.items())},
        "repeats": found.repeats,
        "from": rfc3339(round(acts.at[0] * 1000)),
        "to": rfc3339(round(acts.at[-1] * 1000)),
        "cuts": [
            {"at": rfc3339(round(at * 1000)), "ranked": ranked, "foreseeable": shares}
            for at, (ranked, shares) in zip(plan.cuts, known, strict=True)
        ],
        "horizons": [spelt(horizon) for horizon in plan.horizons],
        "product": PRODUCT,
        "scores": MEANINGS,
        "outcomes": dict(OUTCOMES),
        "metrics": {name: title for name, (title, _) in METRICS.items()},
    }
