"""Temporal Katz: influence along walks that respect time (Beres et al. 2018).

When a acts towards b: r_b <- r_b + beta (1 + r_a), all r decayed to that instant; an act ends every walk that
reached its actor earlier, and begins one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.model.compiled import compiled
from streams.model.decay import decayed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BETA = 0.2


@compiled
def _walked(
    actors: Ints, targets: Ints, at: Floats, half_life_s: float, beta: float, found: Floats, found_at: Floats
) -> None:
    for i in range(len(at)):
        a, b = actors[i], targets[i]
        reaching = decayed(found[a], at[i] - found_at[a], half_life_s)
        found[b] = decayed(found[b], at[i] - found_at[b], half_life_s) + beta * (1.0 + reaching)
        found_at[b] = at[i]


def temporal_katz(
    actors: Ints, targets: Ints, at: Floats, until: float, users: int, half_life_s: float, beta: float = BETA
) -> Floats:
    """Return the temporal Katz centrality at `until` of user codes 0..users-1; `at` must not go back in time.

    >>> one, none = np.array([0, 1]), np.array([1, 2])
    >>> temporal_katz(one, none, np.array([0.0, 1.0]), 1.0, 3, half_life_s=1.0, beta=0.5).tolist()
    [0.0, 0.25, 0.625]
    """
    found, found_at = np.zeros(users), np.zeros(users)
    _walked(actors, targets, at, half_life_s, beta, found, found_at)
    return found * np.exp2(-np.maximum(until - found_at, 0.0) / half_life_s)
