"""A user's top events: the five that count most, kept so that the order of arrival cannot matter.

Kept by log2(g) + t/h with h the age at which the kernel sum alpha_j 2^(-age/h_j) has halved: for one
half-life this order is the same at every instant, so a dropped event could never have come back. A tie is
won by the smaller reference. Readers rank the kept ones by alpha-weighted mass now.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.rows import TOP_EVENTS
from streams.model.compiled import compiled
from streams.model.constants import constants_of
from streams.model.parameters import Parameters

Floats = npt.NDArray[np.float64]


@compiled
def _rank(mass: float, at: float, half_life_s: float) -> float:
    return float(np.log2(mass)) + at / half_life_s


@compiled
def outranked(row: Any, ref: int, at: float, grant: float, half_life_s: float) -> int:
    """Return which of the top events of `row` the event takes the place of, or -1."""
    if grant <= 0.0:
        return -1
    least, least_rank, least_ref = 0, np.inf, -1
    for i in range(TOP_EVENTS):
        if row.top_ref[i] < 0:
            least, least_rank, least_ref = i, -np.inf, -1
            break
        rank = _rank(row.top_mass[i], row.top_at[i], half_life_s)
        if rank < least_rank or (rank == least_rank and row.top_ref[i] > least_ref):
            least, least_rank, least_ref = i, rank, row.top_ref[i]
    rank = _rank(grant, at, half_life_s)
    return least if rank > least_rank or (rank == least_rank and ref < least_ref) else -1


def top_now(rows: npt.NDArray[Any], at: float, parameters: Parameters) -> tuple[npt.NDArray[Any], Floats, Floats]:
    """Return refs i8[n, 5] (-1 = none), instants f8[n, 5] and alpha-weighted masses f8[n, 5] in order."""
    c = constants_of(parameters)
    age = np.maximum(at - rows["top_at"], 0.0)
    left = sum(alpha * np.exp2(-age / h) for alpha, h in zip(c.alphas, c.half_lives_s, strict=True))
    masses = np.where(rows["top_ref"] >= 0, rows["top_mass"] * left, -1.0)
    order = np.lexsort((rows["top_ref"], -masses), axis=1)
    refs, ats, heaviest = (np.take_along_axis(x, order, axis=1) for x in (rows["top_ref"], rows["top_at"], masses))
    return refs, ats, heaviest
