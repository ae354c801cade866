"""Actor stage: what each act of a person is worth, given only what that person did before.

V <- fold(+1, H_V); d = min(1, V0/V).  est = [t - born >= tau].  Slot (a, b): g = c d max(0, 1 - m/C);
m <- fold(+g, H_P); y <- fold(+g, H_R); r = 1 - 2^(-(t - t_last)/30 d).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, fold
from streams.model.pair_index import PairColumns, find_or_add
from streams.model.parameters import Parameters
from streams.model.reach import novelty
from streams.model.relationships import transfer
from streams.model.state import UserState

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Record = Any


@compiled
def _dilution(row: Record, at: float, c: Constants) -> float:
    """Count one act into the volume; return d, exactly 1 in fair use."""
    row.volume = fold(row.volume, row.volume_at, 1.0, at, c.volume_half_life_s)
    row.volume_at = max(row.volume_at, at)
    return float(min(1.0, c.fair_volume / row.volume))


@compiled
def _give(row: Record, slot: Record, weight: float, at: float, c: Constants) -> tuple[float, float]:
    """Grant what is left of `weight` to the slot's other; return (g, r) and keep the bond sum true.

    What this side holds below the floor reads as nothing, as if its slot had been dropped, but only where
    the new gift makes up for it: no act lowers a relationship.
    """
    newest = max(slot.given_at, at)
    granted = decayed(slot.granted, newest - slot.given_at, c.pair_half_life_s)
    given = decayed(slot.given, newest - slot.given_at, c.bond_half_life_s)
    fresh = decayed(weight, newest - at, c.bond_half_life_s)
    empty = granted < c.pair_floor and given < c.pair_floor and given <= fresh
    increment = novelty(at, -np.inf if empty else slot.given_at, c.reach_half_life_s)
    grant = weight * max(0.0, 1.0 - (0.0 if empty else granted) / c.pair_capacity)
    after = (0.0 if empty else given) + decayed(grant, newest - at, c.bond_half_life_s)
    if slot.got > 0.0:
        latest = max(newest, slot.got_at)
        got = decayed(slot.got, latest - slot.got_at, c.bond_half_life_s)
        low = min(got, decayed(given, latest - newest, c.bond_half_life_s))
        high = min(got, decayed(after, latest - newest, c.bond_half_life_s))
        transfer(row, latest, low, slot.known, high, slot.known, c.bond_half_life_s)
    slot.granted = (0.0 if empty else granted) + decayed(grant, newest - at, c.pair_half_life_s)
    slot.given = after
    slot.given_at = newest
    return grant, increment


@compiled
def _price(
    rows: Record,
    dirty: npt.NDArray[np.bool_],
    pairs: PairColumns,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    kinds: Bytes,
    at: Floats,
    offsets: Ints,
    keep: Bytes,
    c: Constants,
    grants: Floats,
    established: Bytes,
    increments: Floats,
) -> None:
    for i in range(len(slots)):
        if keep[i] == 0:
            continue
        row = rows[slots[i]]
        if offsets[i] < row.given_last:
            keep[i] = 0
            continue
        row.born_at = min(row.born_at, at[i])
        established[i] = at[i] - row.born_at >= c.tau_s
        weight = c.weights[kinds[i]] * _dilution(row, at[i], c)
        number = find_or_add(pairs, slots[i], others[i])
        grants[i], increments[i] = _give(row, pairs.slots[number], weight, at[i], c)
        pairs.dirty[number] = True
        row.given[kinds[i]] += 1
        row.given_last = offsets[i] + 1
        dirty[slots[i]] = True


def price(
    state: UserState,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    kinds: Bytes,
    at: Floats,
    offsets: Ints,
    keep: Bytes,
    parameters: Parameters,
) -> tuple[Floats, Bytes, Floats]:
    """Apply acts of a partition's users in array order; return (g, established, reach increment) per act.

    Columns of one length: user slot of the actor, hash of the target, kind code, instant in seconds, log
    offset. `keep` is read and written: 0 = leave out; an offset that the actor's row already contains
    becomes 0. Where `keep` is 0 the results are 0.
    """
    count = len(slots)
    grants, increments = np.zeros(count), np.zeros(count)
    established = np.zeros(count, np.uint8)
    pairs = state.pairs.reserved(count)
    c = constants_of(parameters)
    _price(
        state.rows,
        state.dirty,
        pairs,
        slots,
        others,
        kinds,
        at,
        offsets,
        keep,
        c,
        grants,
        established,
        increments,
    )
    return grants, established, increments
