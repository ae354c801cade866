"""Relationships: R_u = sum over others v of min(given y_uv, got x_uv), kept as two decaying numbers.

RP holds the pairs whose other was established when acting towards u, RU the rest. Whoever touches a slot
takes the minimum before and after at T, the latest instant involved, and folds the difference: -before into
the old pool, +after into the new one. The minimum of two amounts that decay alike decays like them, so each
pool is one number; y and x are commutative folds, so no order of arrival between actors matters.
"""

from __future__ import annotations

from typing import Any

from streams.model.compiled import compiled
from streams.model.decay import share_left


@compiled
def transfer(
    row: Any, at: float, before: float, was_known: int, after: float, is_known: int, half_life_s: float
) -> tuple[float, float, float]:
    """Return RP, RU and their instant when -before and +after (both of instant `at`) are folded into those of `row`."""
    newest = max(row.bond_at, at)
    kept = share_left(newest - row.bond_at, half_life_s)
    arriving = share_left(newest - at, half_life_s)
    known = (after if is_known else 0.0) - (before if was_known else 0.0)
    new = (0.0 if is_known else after) - (0.0 if was_known else before)
    return row.bond_known * kept + known * arriving, row.bond_new * kept + new * arriving, newest
