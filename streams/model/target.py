"""Target stage: what a person has earned.

P_j (established actor) or U_j (newcomer) <- fold(+g, h_j), kind parts likewise; M <- fold(+g, 6 h);
D <- fold(+r, 30 d). Slot (b, a): x <- fold(+g, H_R), known |= est, and b's relationship sum follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.rows import DAYS, HALF_LIVES, KIND_COUNT
from streams.model.compiled import compiled
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, fold, share_left
from streams.model.moments import remember
from streams.model.pair_index import PairColumns, find_or_add
from streams.model.parameters import DAY_S, Parameters
from streams.model.relationships import transfer
from streams.model.state import UserState

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Record = Any


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
def _get(row: Record, slot: Record, at: float, grant: float, established: int, c: Constants) -> None:
    """Fold the grant into what the slot's other gave, and keep the bond sum true.

    What the other gave reads as nothing below the floor, where the new gift makes up for it.
    """
    newest = max(slot.got_at, at)
    got = decayed(slot.got, newest - slot.got_at, c.bond_half_life_s)
    fresh = decayed(grant, newest - at, c.bond_half_life_s)
    empty = got < c.pair_floor and got <= fresh
    after = (0.0 if empty else got) + fresh
    was_known = slot.known
    is_known = 1 if established or (was_known and not empty) else 0
    if slot.given > 0.0:
        latest = max(newest, slot.given_at)
        given = decayed(slot.given, latest - slot.given_at, c.bond_half_life_s)
        low = min(given, decayed(got, latest - newest, c.bond_half_life_s))
        high = min(given, decayed(after, latest - newest, c.bond_half_life_s))
        transfer(row, latest, low, was_known, high, is_known, c.bond_half_life_s)
    slot.got = after
    slot.got_at = newest
    slot.known = is_known


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
    c: Constants,
) -> int:
    applied = 0
    end = 0
    for i in range(len(slots)):
        if i == end:
            end = _is_new(rows, slots, credit_offsets, keep, i)
        if keep[i] == 0:
            continue
        row = rows[slots[i]]
        _earn(row, kinds[i], at[i], grants[i], established[i], c)
        row.reach = fold(row.reach, row.reach_at, increments[i], at[i], c.reach_half_life_s)
        row.reach_at = max(row.reach_at, at[i])
        number = find_or_add(pairs, slots[i], others[i])
        _get(row, pairs.slots[number], at[i], grants[i], established[i], c)
        pairs.dirty[number] = True
        _count(row, kinds[i], at[i])
        remember(row, refs[i], at[i], grants[i], c.kernel_half_life_s)
        row.got_last = credit_offsets[i] + 1
        dirty[slots[i]] = True
        applied += 1
    return applied


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
) -> int:
    """Apply priced acts to a partition's users in array order; return how many were applied.

    Columns of one length: user slot of the target, hash of the actor, kind code, instant in seconds, what
    `price` returned, the reference that names the act. All acts of one packed record share one offset in
    the credits log; a column of offsets holds equal ones side by side. Whether a row contains a record
    already is decided before any of the record is applied; then `keep` becomes 0 for it.
    """
    count = len(slots)
    pairs = state.pairs.reserved(count)
    offsets = np.full(count, credit_offset) if isinstance(credit_offset, int) else credit_offset
    c = constants_of(parameters)
    return _credit(
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
        c,
    )
