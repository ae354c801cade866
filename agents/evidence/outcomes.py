"""Outcomes: what really followed a cut T, for everybody: how many different people engaged in (T, T + h]."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from agents.recorded import Acts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ENGAGERS: Final = "engagers"
NEW_ENGAGERS: Final = "new_engagers"
OUTCOMES: Final = {
    ENGAGERS: "distinct people who engaged",
    NEW_ENGAGERS: "distinct people who engaged and never had before",
}


def pairs(acts: Acts, users: int) -> Ints:
    """Return every (target, actor) once, as target * users + actor, sorted."""
    found: Ints = np.unique(acts.targets * users + acts.actors)
    return found


def outcomes(past: Acts, ahead: Acts, users: int) -> dict[str, Floats]:
    """Return each outcome by user code, from the acts up to the cut and those of the horizon after it."""
    following = pairs(ahead, users)
    new = np.setdiff1d(following, pairs(past, users), assume_unique=True)
    counted = {ENGAGERS: following, NEW_ENGAGERS: new}
    return {name: np.bincount(found // users, minlength=users).astype(np.float64) for name, found in counted.items()}


def until(acts: Acts, at: float) -> Acts:
    """Return what is known at `at`; the acts must be in order of time."""
    return acts[: int(np.searchsorted(acts.at, at, side="right"))]


def between(acts: Acts, at: float, end: float) -> Acts:
    """Return the acts in (at, end]; the acts must be in order of time."""
    low, high = np.searchsorted(acts.at, (at, end), side="right")
    return acts[int(low) : int(high)]
