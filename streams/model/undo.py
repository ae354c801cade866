"""Undo: folds -g at the act's own instant into everything that g went into, as if nothing had been granted.

P_j or U_j, kinds, M <- fold(-g, h) with the target; slot (b, a): x <- fold(-g, H_R), slot (a, b): y <- fold(-g, H_R),
and both relationship sums follow. m, V, tenure and reach stay: the act was done. Nothing falls below 0, and a row or
slot that is older than the act, as after its owner left, holds nothing of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.rows import DAYS, HALF_LIVES, TOP_EVENTS
from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed
from streams.model.pair_index import PairColumns, find
from streams.model.parameters import DAY_S, Parameters
from streams.model.relationships import transfer
from streams.model.state import UserState

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Record = Any


@compiled
def without(value: float, value_at: float, amount: float, at: float, half_life_s: float) -> float:
    """Return `value` (of `value_at`, not before `at`) without `amount` (of `at`), at least 0.

    >>> without(1.5, 1.0, 2.0, 0.0, 1.0)
    0.5
    """
    return max(0.0, value - decayed(amount, value_at - at, half_life_s))


@compiled
def _rebond(row: Record, slot: Record, given: float, got: float, c: Constants) -> None:
    """Have the bond sums follow when the slot's amounts fall to `given` and `got`."""
    if slot.given > 0.0 and slot.got > 0.0:
        latest = max(slot.given_at, slot.got_at)
        since_given, since_got, h = latest - slot.given_at, latest - slot.got_at, c.bond_half_life_s
        before = min(decayed(slot.given, since_given, h), decayed(slot.got, since_got, h))
        after = min(decayed(given, since_given, h), decayed(got, since_got, h))
        bonds = transfer(row, latest, before, slot.known, after, slot.known, h)
        row.bond_known, row.bond_new, row.bond_at = max(0.0, bonds[0]), max(0.0, bonds[1]), bonds[2]
    slot.given, slot.got = given, got


@compiled
def _lose(row: Record, kind: int, at: float, grant: float, established: int, c: Constants) -> None:
    """Take the grant out of the masses of its class and kind, and out of momentum."""
    for j in range(HALF_LIVES):
        h = c.half_lives_s[j]
        row.kinds[kind, j] = without(row.kinds[kind, j], row.mass_at, grant, at, h)
        if established:
            row.known[j] = without(row.known[j], row.mass_at, grant, at, h)
        else:
            row.new[j] = without(row.new[j], row.mass_at, grant, at, h)
    row.momentum = without(row.momentum, row.mass_at, grant, at, c.momentum_half_life_s)


@compiled
def _discount(row: Record, kind: int, at: float, ref: int) -> None:
    """Count the act no longer, in all, on its day, and among the moments."""
    if row.received[kind] > 0:
        row.received[kind] -= 1
    day = int(np.floor(at / DAY_S))
    if row.day - DAYS < day <= row.day and row.days[day % DAYS, kind] > 0:
        row.days[day % DAYS, kind] -= 1
    for i in range(TOP_EVENTS):
        if row.top_ref[i] == ref:
            row.top_ref[i], row.top_at[i], row.top_mass[i] = -1, 0.0, 0.0


@compiled
def take_back_got(
    row: Record,
    pairs: PairColumns,
    number: int,
    kind: int,
    at: float,
    grant: float,
    established: int,
    ref: int,
    c: Constants,
) -> None:
    """Have the target `row` lose what an act gave it; `number` is that of its pair, or of none yet."""
    if row.mass_at >= at:
        _lose(row, kind, at, grant, established, c)
        _discount(row, kind, at, ref)
    if number < pairs.size[0] and pairs.slots[number].got_at >= at:
        slot = pairs.slots[number]
        _rebond(row, slot, slot.given, without(slot.got, slot.got_at, grant, at, c.bond_half_life_s), c)
        pairs.dirty[number] = True


@compiled
def _take_back(
    rows: Record,
    dirty: npt.NDArray[np.bool_],
    pairs: PairColumns,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    at: Floats,
    grants: Floats,
    offsets: Ints,
    keep: Bytes,
    c: Constants,
) -> None:
    for i in range(len(slots)):
        row = rows[slots[i]]
        if offsets[i] < row.given_last:
            keep[i] = 0
            continue
        number = find(pairs, slots[i], others[i])
        if number >= 0 and pairs.slots[number].given_at >= at[i]:
            slot = pairs.slots[number]
            given = without(slot.given, slot.given_at, grants[i], at[i], c.bond_half_life_s)
            _rebond(row, slot, given, slot.got, c)
            pairs.dirty[number] = True
        row.given_last = offsets[i] + 1
        dirty[slots[i]] = True


def take_back(
    state: UserState,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    at: Floats,
    grants: Floats,
    offsets: Ints,
    keep: Bytes,
    parameters: Parameters,
) -> None:
    """Have actors no longer have given what their acts of instants `at` granted to `others`, in array order.

    `offsets` are those of the undos in the log; where the actor's row contains one already, `keep` becomes 0.
    """
    pairs = state.pairs.reserved(0)
    _take_back(state.rows, state.dirty, pairs, slots, others, at, grants, offsets, keep, constants_of(parameters))
