"""Actor stage: what each act of a person is worth, given only what that person did before.

V <- fold(+1, H_V); d = min(1, V0/V).  est = [t - born >= tau].  Slot (a, b): g = c d max(0, 1 - m/C);
m <- fold(+g, H_P); y <- fold(+g, H_R); r = 1 - 2^(-(t - t_last)/30 d).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, fold
from streams.model.isolation import EVENT, NEXT, NOT_FINITE, NOTHING, Poison, each_or_nothing
from streams.model.pair_index import PairColumns, enter, place_of
from streams.model.parameters import Parameters
from streams.model.reach import novelty
from streams.model.relationships import transfer
from streams.model.state import UserState

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Record = Any


class Gift(NamedTuple):
    """g and r of one act, and the new values of the slot and of the row's bond sums."""

    grant: float
    increment: float
    granted: float
    given: float
    given_at: float
    bond_known: float
    bond_new: float
    bond_at: float


@compiled
def _dilution(row: Record, at: float, c: Constants) -> tuple[float, float]:
    """Return the volume with one act more, and d, exactly 1 in fair use."""
    volume = fold(row.volume, row.volume_at, 1.0, at, c.volume_half_life_s)
    return volume, float(min(1.0, c.fair_volume / volume))


@compiled
def _give(row: Record, slot: Record, weight: float, at: float, c: Constants) -> Gift:
    """Return what is left of `weight` for the slot's other, and what row and slot become so that the bond sum is true.

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
    bonds = row.bond_known, row.bond_new, row.bond_at
    if slot.got > 0.0:
        latest = max(newest, slot.got_at)
        got = decayed(slot.got, latest - slot.got_at, c.bond_half_life_s)
        low = min(got, decayed(given, latest - newest, c.bond_half_life_s))
        high = min(got, decayed(after, latest - newest, c.bond_half_life_s))
        bonds = transfer(row, latest, low, slot.known, high, slot.known, c.bond_half_life_s)
    held = (0.0 if empty else granted) + decayed(grant, newest - at, c.pair_half_life_s)
    return Gift(grant, increment, held, after, newest, bonds[0], bonds[1], bonds[2])


@compiled
def _write(row: Record, slot: Record, gift: Gift) -> None:
    slot.granted, slot.given, slot.given_at = gift.granted, gift.given, gift.given_at
    row.bond_known, row.bond_new, row.bond_at = gift.bond_known, gift.bond_new, gift.bond_at


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
    cells: Ints,
) -> None:
    for i in range(cells[NEXT], len(slots)):
        if keep[i] == 0:
            continue
        row = rows[slots[i]]
        if offsets[i] < row.given_last:
            keep[i] = 0
            continue
        cells[EVENT] = i
        born_at = min(row.born_at, at[i])
        volume, dilution = _dilution(row, at[i], c)
        place, number = place_of(pairs, slots[i], others[i])
        gift = _give(row, pairs.slots[number], c.weights[kinds[i]] * dilution, at[i], c)
        if not np.isfinite(
            at[i] + volume + gift.increment + gift.granted + gift.given + gift.bond_known + gift.bond_new
        ):
            raise ValueError(NOT_FINITE)
        cells[EVENT] = NOTHING
        if number == pairs.size[0]:
            enter(pairs, place, slots[i], others[i])
        _write(row, pairs.slots[number], gift)
        row.born_at = born_at
        row.volume, row.volume_at = volume, max(row.volume_at, at[i])
        row.given[kinds[i]] += 1
        row.given_last = offsets[i] + 1
        grants[i], established[i], increments[i] = gift.grant, at[i] - born_at >= c.tau_s, gift.increment
        pairs.dirty[number] = True
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
    poison: Poison | None = None,
) -> tuple[Floats, Bytes, Floats]:
    """Apply acts of a partition's users in array order; return (g, established, reach increment) per act.

    Columns of one length: user slot of the actor, hash of the target, kind code, instant in seconds, log
    offset. `keep` is read and written: 0 = leave out; an offset that the actor's row already contains
    becomes 0. Where `keep` is 0 the results are 0. An act whose pricing raises changes nothing, is added to
    `poison`, and its `keep` becomes 0; without `poison` the call raises.
    """
    count = len(slots)
    grants, increments = np.zeros(count), np.zeros(count)
    established = np.zeros(count, np.uint8)
    pairs = state.pairs.reserved(count)
    c = constants_of(parameters)

    def run(cells: Ints) -> None:
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
            cells,
        )

    each_or_nothing(run, keep, poison)
    return grants, established, increments
