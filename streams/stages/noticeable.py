"""What a score would tell that the last one did not: only that is worth a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.rows import DAYS
from streams.model.parameters import DAY_S
from streams.model.shown import show

if TYPE_CHECKING:
    from streams.model.parameters import Parameters

NOTICEABLE: Final = 0.02
"""Targets that differ by less are not worth a record; readers may rely on 0.05."""
FADED: Final = 0.05
"""Mass, and share, of momentum that may have decayed before a record says so."""
_PREVIEWED = ["shown", "shown_at", "target", "first_scored_at"]


def moved(rows: np.ndarray, target: np.ndarray, at_s: float, p: Parameters, *, full: bool) -> np.ndarray:
    """Return the indices of rows whose shown score, as printed, differs from the one that was sent."""
    preview = rows[_PREVIEWED].copy()
    shown = show(preview, target, at_s, p, full=full).round(1)
    return np.flatnonzero(shown != np.maximum(rows["sent_score"], 1.0))


def retargeted(rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the indices of rows whose target score differs noticeably from the one that was sent."""
    return np.flatnonzero(np.abs(target - np.maximum(rows["target"], 1.0)) >= NOTICEABLE)


def faded(rows: np.ndarray, at_s: float, p: Parameters) -> np.ndarray:
    """Return the indices of rows whose momentum, or counts of seven days, say what is no longer so."""
    half_life_s, since = p.momentum_half_life_s, rows["shown_at"]
    then = rows["momentum"] * np.exp2(-np.maximum(since - rows["mass_at"], 0.0) / half_life_s)
    gone = then - rows["momentum"] * np.exp2(-np.maximum(at_s - rows["mass_at"], 0.0) / half_life_s)
    slower = gone >= np.maximum(FADED, FADED * then)
    today = at_s // DAY_S
    fewer = (rows["day"] > since // DAY_S - DAYS) & (today > since // DAY_S)
    return np.flatnonzero((rows["sent_last"] > 0) & (slower | fewer))
