"""Decay as a property of the value: an amount and its instant, whose only operation is merge.

dec(x, dt, h) = x 2^(-max(0, dt)/h).  fold at T = max(t_cell, t): dec(v, T - t_cell) + dec(x, T - t).
The fold is commutative, so amounts that arrive late land exactly where they belong.
"""

from __future__ import annotations

import numpy as np

from streams.model.compiled import compiled


@compiled
def share_left(elapsed_s: float, half_life_s: float) -> float:
    """Return 2^(-max(0, elapsed)/half-life); 0 after an infinite time, so that -inf may mean never."""
    if elapsed_s <= 0.0:
        return 1.0
    return float(np.exp2(-elapsed_s / half_life_s))


@compiled
def share_at(elapsed_s: float, half_life_s: float) -> float:
    """Return 2^(-elapsed/half-life), also backwards: what an amount is worth on the scale of an earlier instant."""
    return float(np.exp2(-elapsed_s / half_life_s))


@compiled
def decayed(amount: float, elapsed_s: float, half_life_s: float) -> float:
    """Return what is left of `amount` after `elapsed_s`.

    >>> decayed(8.0, 3.0, 1.0)
    1.0
    """
    return amount * share_left(elapsed_s, half_life_s)


@compiled
def fold(value: float, value_at: float, amount: float, at: float, half_life_s: float) -> float:
    """Return `value` (of `value_at`) and `amount` (of `at`) merged at the later of both instants.

    >>> fold(1.0, 0.0, 1.0, 1.0, 1.0) == fold(1.0, 1.0, 1.0, 0.0, 1.0) == 1.5
    True
    """
    newest = max(value_at, at)
    return decayed(value, newest - value_at, half_life_s) + decayed(amount, newest - at, half_life_s)
