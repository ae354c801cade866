"""What it costs that acts come late or out of order: scores at the end against those of the input in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.epochs import Moment
from agents.evidence.movement import COLUMNS, DIGITS
from agents.recorded import Acts
from streams.model.parameters import HOUR_S

Floats = npt.NDArray[np.float64]
LATE_SHARE: Final = 0.01
SHUFFLED_WITHIN: Final = 1_000
NOTICED: Final = 0.5
"""Points; a smaller difference does not change a rounded score by more than one."""


def late(acts: Acts, seed: int) -> Acts:
    """Return the acts with LATE_SHARE of them, drawn by `seed`, arriving an hour late."""
    delayed = np.random.default_rng(seed).random(len(acts)) < LATE_SHARE
    return acts[np.argsort(acts.at + HOUR_S * delayed, kind="stable")]


def shuffled(acts: Acts, seed: int) -> Acts:
    """Return the acts each up to SHUFFLED_WITHIN places away from its own, as `seed` draws."""
    places = np.arange(len(acts)) + np.random.default_rng(seed).uniform(0, SHUFFLED_WITHIN, len(acts))
    return acts[np.argsort(places, kind="stable")]


DISORDERS: Final[dict[str, tuple[str, Callable[[Acts, int], Acts]]]] = {
    "late": ("1 % of the acts an hour late", late),
    "shuffled": ("every act up to 1,000 places away", shuffled),
}


def off(ordered: Moment, disordered: Moment) -> dict[str, Any]:
    """Return how far the scores differ among those scored either way: share off by more than NOTICED, P99, greatest."""
    found = {}
    for name, column in COLUMNS.items():
        one, other = column(ordered), column(disordered)
        points = np.abs(other - one)[(one > 1) | (other > 1)]
        found[name] = {
            "noticed": round(float((points > NOTICED).mean()), 6) if len(points) else 0.0,
            "p99": round(float(np.quantile(points, 0.99)), DIGITS) if len(points) else 0.0,
            "max": round(float(points.max(initial=0.0)), DIGITS),
        }
    return found
