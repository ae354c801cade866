"""Reach: how many distinct people engaged lately, exactly and in one number.

D <- dec(D, 30 d) + r, r = 1 - 2^(-(t - t_last)/30 d) with t_last the pair's previous act: an actor who
engages again gives back just what has decayed since, so D is a sum over people of their newest act.
"""

from __future__ import annotations

from streams.model.compiled import compiled
from streams.model.decay import share_left


@compiled
def novelty(at: float, last_at: float, half_life_s: float) -> float:
    """Return the reach increment of an act at `at` after one at `last_at` (-inf = never: a full 1).

    >>> novelty(5.0, float("-inf"), 1.0), novelty(5.0, 4.0, 1.0), novelty(4.0, 5.0, 1.0)
    (1.0, 0.5, 0.0)
    """
    return 1.0 - share_left(at - last_at, half_life_s)
