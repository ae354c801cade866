"""Target stage: what a person has earned.

P_j (established actor) or U_j (newcomer) <- fold(+g, h_j), kind parts likewise; M <- fold(+g, 6 h);
D <- fold(+r, 30 d). Slot (b, a): x <- fold(+g, H_R), known |= est, and b's relationship sum follows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.rows import DAYS, HALF_LIVES, KIND_COUNT
from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, fold, share_left
from streams.model.isolation import END, EVENT, NEXT, NOT_FINITE, NOTHING, Poison, each_or_nothing
from streams.model.moments import outranked
from streams.model.pair_index import PairColumns, enter, place_of
from streams.model.parameters import DAY_S, Parameters
from streams.model.relationships import transfer
from streams.model.state import UserState
from streams.model.undo import take_back_got

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Record = Any


class Got(NamedTuple):
    """The new values of a slot and of its row's bond sums."""

    got: float
    got_at: float
    known: int
    bond_known: float
    bond_new: float
    bond_at: float


@compiled
def _earn(row: Record, kind: int, at: float, grant: float, established: int, c: Constants) -> None:
    """Fold the grant into the masses of its class and kind, and into momentum."""
    newest = max(row.mass_at, at)
    for j in range(HALF_LIVES):
        left = share_left(newest - row.mass_at, c.half_lives_s[j])
        arriving = decayed(grant, newest - at, c.half_lives_s[j])
        row.known[j] *= left
        row.new[j] *= left
        for k in range(KIND_COUNT):
            row.kinds[k, j] *= left
        row.kinds[kind, j] += arriving
        if established:
            row.known[j] += arriving
        else:
            row.new[j] += arriving
    row.momentum = fold(row.momentum, row.mass_at, grant, at, c.momentum_half_life_s)
    row.mass_at = newest


@compiled
def _get(row: Record, slot: Record, at: float, grant: float, established: int, c: Constants) -> Got:
    """Return what row and slot become when the slot's other gave the grant, so that the bond sum is true.

    What the other gave reads as nothing below the floor, where the new gift makes up for it.
    """
    newest = max(slot.got_at, at)
    got = decayed(slot.got, newest - slot.got_at, c.bond_half_life_s)
    fresh = decayed(grant, newest - at, c.bond_half_life_s)
    empty = got < c.pair_floor and got <= fresh
    after = (0.0 if empty else got) + fresh
    was_known = slot.known
    is_known = 1 if established or (was_known and not empty) else 0
    bonds = row.bond_known, row.bond_new, row.bond_at
    if slot.given > 0.0:
        latest = max(newest, slot.given_at)
        given = decayed(slot.given, latest - slot.given_at, c.bond_half_life_s)
        low = min(given, decayed(got, latest - newest, c.bond_half_life_s))
        high = min(given, decayed(after, latest - newest, c.bond_half_life_s))
        bonds = transfer(row, latest, low, was_known, high, is_known, c.bond_half_life_s)
    return Got(after, newest, is_known, bonds[0], bonds[1], bonds[2])


@compiled
def _write(row: Record, slot: Record, got: Got) -> None:
    slot.got, slot.got_at, slot.known = got.got, got.got_at, got.known
    row.bond_known, row.bond_new, row.bond_at = got.bond_known, got.bond_new, got.bond_at


@compiled
def _count(row: Record, kind: int, at: float) -> None:
    """Count the event: in all, and on its UTC day while that is one of the newest seven."""
    row.received[kind] += 1
    day = int(np.floor(at / DAY_S))
    for gone in range(max(row.day + 1, day - DAYS + 1), day + 1):
        row.days[gone % DAYS, :] = 0
    row.day = max(row.day, day)
    if day > row.day - DAYS:
        row.days[day % DAYS, kind] += 1


@compiled
def _is_new(rows: Record, slots: Ints, credit_offsets: Ints, keep: Bytes, start: int) -> int:
    """Drop what rows contain already from the record that begins at `start`; return its end."""
    end = start
    while end < len(slots) and credit_offsets[end] == credit_offsets[start]:
        if rows[slots[end]].got_last > credit_offsets[end]:
            keep[end] = 0
        end += 1
    return end


@compiled
def _credit(
    rows: Record,
    dirty: npt.NDArray[np.bool_],
    pairs: PairColumns,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    kinds: Bytes,
    at: Floats,
    grants: Floats,
    established: Bytes,
    increments: Floats,
    refs: Ints,
    credit_offsets: Ints,
    keep: Bytes,
    undone: Bytes,
    c: Constants,
    cells: Ints,
) -> None:
    for i in range(cells[NEXT], len(slots)):
        if i == cells[END]:
            cells[END] = _is_new(rows, slots, credit_offsets, keep, i)
        if keep[i] == 0:
            continue
        row = rows[slots[i]]
        cells[EVENT] = i
        place, number = place_of(pairs, slots[i], others[i])
        if undone[i]:
            if not np.isfinite(at[i] + grants[i]):
                raise ValueError(NOT_FINITE)
            cells[EVENT] = NOTHING
            take_back_got(row, pairs, number, kinds[i], at[i], grants[i], established[i], refs[i], c)
            row.got_last = credit_offsets[i] + 1
            dirty[slots[i]] = True
            continue
        got = _get(row, pairs.slots[number], at[i], grants[i], established[i], c)
        reach = fold(row.reach, row.reach_at, increments[i], at[i], c.reach_half_life_s)
        top = outranked(row, refs[i], at[i], grants[i], c.kernel_half_life_s)
        if not np.isfinite(at[i] + grants[i] + reach + got.got + got.bond_known + got.bond_new):
            raise ValueError(NOT_FINITE)
        cells[EVENT] = NOTHING
        if number == pairs.size[0]:
            enter(pairs, place, slots[i], others[i])
        _earn(row, kinds[i], at[i], grants[i], established[i], c)
        _write(row, pairs.slots[number], got)
        row.reach = reach
        row.reach_at = max(row.reach_at, at[i])
        _count(row, kinds[i], at[i])
        if top >= 0:
            row.top_ref[top], row.top_at[top], row.top_mass[top] = refs[i], at[i], grants[i]
        row.got_last = credit_offsets[i] + 1
        pairs.dirty[number] = True
        dirty[slots[i]] = True


def credit(
    state: UserState,
    slots: Ints,
    others: npt.NDArray[np.uint64],
    kinds: Bytes,
    at: Floats,
    grants: Floats,
    established: Bytes,
    increments: Floats,
    refs: Ints,
    credit_offset: int | Ints,
    keep: Bytes,
    parameters: Parameters,
    poison: Poison | None = None,
    undone: Bytes | None = None,
) -> int:
    """Apply priced acts to a partition's users in array order; return how many were applied.

    Columns of one length: user slot of the target, hash of the actor, kind code, instant in seconds, what
    `price` returned, the reference that names the act. All acts of one packed record share one offset in
    the credits log; a column of offsets holds equal ones side by side. Whether a row contains a record
    already is decided before any of the record is applied; then `keep` becomes 0 for it. An act whose
    crediting raises changes nothing, is added to `poison`, and its `keep` becomes 0; without `poison` the call raises.
    Where `undone` is 1 the act, described as it was applied, is taken back.
    """
    count = len(slots)
    pairs = state.pairs.reserved(count)
    offsets = np.full(count, credit_offset) if isinstance(credit_offset, int) else credit_offset
    c = constants_of(parameters)
    taken_back = np.zeros(count, np.uint8) if undone is None else undone

    def run(cells: Ints) -> None:
        _credit(
            state.rows,
            state.dirty,
            pairs,
            slots,
            others,
            kinds,
            at,
            grants,
            established,
            increments,
            refs,
            offsets,
            keep,
            taken_back,
            c,
            cells,
        )

    each_or_nothing(run, keep, poison)
    return int(np.count_nonzero(keep))
