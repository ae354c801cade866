"""Reading scores at an instant T: influence, relationships, momentum, reach, and what they are made of.

P = sum alpha_j P_j(W) + rho RP(W);  U = sum alpha_j U_j(W) + rho RU(W);  L = L0 + kappa P
raw = P + U L/(U+L);  relationships = RP + RU L'/(RU+L'), L' = L0 + kappa RP;  momentum = M(T);  reach = D(T).

Masses are weighed at W, the instant of the calibration that they are compared by: x(W) = x(t) 2^(-(W-t)/h), also
for t > W. So time alone moves nobody's place while one map is in force, and everybody's together when it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.rows import HALF_LIVES, KIND_COUNT
from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, share_at
from streams.model.parameters import Parameters

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """Columns over rows, all float64; momentum and reach of one instant, the masses weighed at one.

    `parts` has a column per kind code and one more for relationships; its rows add up to `raw`.
    """

    raw: Floats
    relationships: Floats
    momentum: Floats
    reach: Floats
    known: Floats  # P without relationships
    new: Floats  # U without relationships
    bond_known: Floats  # RP
    bond_new: Floats  # RU
    parts: Floats


@compiled
def dampened(known: float, new: float, c: Constants) -> float:
    """Return known + new L/(new + L) with L = L0 + kappa known: newcomers alone never give more than L0."""
    limit = c.newcomer_limit + c.newcomer_gain * known
    return known + new * limit / (new + limit)


@compiled
def _read(rows: Any, at: float, weighed_at: float, c: Constants, out: Floats, parts: Floats) -> None:
    for i in range(len(rows)):
        row = rows[i]
        known, new = 0.0, 0.0
        parts[i, :] = 0.0
        for j in range(HALF_LIVES):
            weight = c.alphas[j] * share_at(weighed_at - row.mass_at, c.half_lives_s[j])
            known += weight * row.known[j]
            new += weight * row.new[j]
            for k in range(KIND_COUNT):
                parts[i, k] += weight * row.kinds[k, j]
        left = share_at(weighed_at - row.bond_at, c.bond_half_life_s)
        bond_known = max(0.0, row.bond_known * left)
        bond_new = max(0.0, row.bond_new * left)
        parts[i, KIND_COUNT] = c.bond_weight * (bond_known + bond_new)
        raw = dampened(known + c.bond_weight * bond_known, new + c.bond_weight * bond_new, c)
        total = parts[i, :].sum()
        parts[i, :] *= raw / total if total > 0.0 else 0.0
        out[0, i] = raw
        out[1, i] = dampened(bond_known, bond_new, c)
        out[2, i] = decayed(row.momentum, at - row.mass_at, c.momentum_half_life_s)
        out[3, i] = decayed(row.reach, at - row.reach_at, c.reach_half_life_s)
        out[4, i], out[5, i], out[6, i], out[7, i] = known, new, bond_known, bond_new


def read(rows: npt.NDArray[Any], at: float, parameters: Parameters, *, weighed_at: float | None = None) -> Reading:
    """Return what `rows` (dtype USER) amount to at the instant `at`, which no row's event should exceed.

    Masses are weighed at `weighed_at` instead where that is given, which may be earlier than their events.
    """
    out = np.empty((8, len(rows)))
    parts = np.empty((len(rows), KIND_COUNT + 1))
    _read(rows, at, at if weighed_at is None else weighed_at, constants_of(parameters), out, parts)
    raw_, relationships, momentum, reach, known, new, bond_known, bond_new = out
    return Reading(raw_, relationships, momentum, reach, known, new, bond_known, bond_new, parts)


def raw(rows: npt.NDArray[Any], at: float, parameters: Parameters) -> Floats:
    """Return the influence mass of every row at `at`; 1 = one established person's fresh share."""
    return read(rows, at, parameters).raw
