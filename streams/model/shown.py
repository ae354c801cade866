"""The shown score: on its way to the target score, never faster than +10 and -1.1 points a day.

Between two instants the score moves linearly towards the target that was in force, and stops there. In the
first seven days after first being scored a higher target lifts it at once, marked provisional.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.model.parameters import DAY_S, Parameters

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def moved(shown: Floats, target: Floats, elapsed_s: Floats | float, parameters: Parameters) -> Floats:
    """Return the scores after `elapsed_s` towards `target`, which was in force all that time."""
    days = np.maximum(elapsed_s, 0.0) / DAY_S
    low = shown - parameters.fall_per_day * days
    high = shown + parameters.rise_per_day * days
    return np.clip(target, low, high)


def is_provisional(rows: npt.NDArray[Any], at: float, parameters: Parameters) -> Flags:
    """Return which rows are within the first week after being scored, or before it."""
    provisional: Flags = at - rows["first_scored_at"] < parameters.provisional_s
    return provisional


def show(rows: npt.NDArray[Any], target: Floats, at: float, parameters: Parameters, *, full: bool = True) -> Floats:
    """Bring the shown scores of `rows` to the instant `at` and set their target; return the shown scores.

    Writes shown, shown_at, target and first_scored_at in place, so pass a view, and write back what was
    taken by fancy indexing. `target` holds the target scores of `at` (1 = unscored). `full` says whether
    they come from a calibration worth the name: the provisional week begins with the first such. Until then
    the shown score follows its target both ways, because the early maps know only part of the population.
    A row never scored before keeps shown = 0 while its target is 1, and reads as score 1.
    """
    newest = np.maximum(rows["shown_at"], at)
    known = rows["shown"] > 0
    shown = np.where(known, moved(rows["shown"], rows["target"], newest - rows["shown_at"], parameters), 0.0)
    scored = known | (target > 1)
    if full:
        rows["first_scored_at"] = np.where(scored, np.minimum(rows["first_scored_at"], at), rows["first_scored_at"])
    lifted = scored & (target > shown) & is_provisional(rows, at, parameters)
    follows = lifted if full else scored
    rows["shown"] = np.where(follows, target, shown)
    rows["shown_at"] = newest
    rows["target"] = target
    readable: Floats = np.maximum(rows["shown"], 1.0)
    return readable
