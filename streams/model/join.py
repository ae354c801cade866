"""Joining accounts: what one has received is added to what another has, so that nothing is lost or counted twice.

Sums are folded at the later of both instants. Of a pair of slots about the same other, m, y and x are added, m at most
C, and the relationship sum follows: min(y1 + y2, x1 + x2) >= min(y1, x1) + min(y2, x2), so joining lowers nobody.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.rows import DAYS, HALF_LIVES, TOP_EVENTS, empty_pairs, empty_users
from streams.model.constants import Constants, constants_of
from streams.model.decay import decayed, fold
from streams.model.moments import outranked
from streams.model.parameters import Parameters
from streams.model.relationships import transfer
from streams.model.shown import moved
from streams.model.state import UserState

Hashes = npt.NDArray[np.uint64]
Records = npt.NDArray[Any]
RECEIVED: Final = (
    "mass_at", "known", "new", "momentum", "reach", "reach_at", "bond_known", "bond_new", "bond_at", "kinds",
    "received", "day", "days", "top_ref", "top_at", "top_mass", "shown", "shown_at", "target", "first_scored_at",
    "got_last",
    "sent_last",
    "sent_score",
)  # fmt: skip
"""What of a row tells what its user has received; the rest tells what the user has given."""


def taken(state: UserState, slot: int) -> tuple[Records, Hashes, Records]:
    """Return a copy of what the user at `slot` has received: the row (USER[1]), others' hashes and slots (PAIR[n]).

    A slot moves with what the user gave (y) and got (x); what the user granted (m) prices acts to come and stays.
    """
    row = state.rows[slot : slot + 1].copy()
    numbers = np.flatnonzero(state.pairs.users == slot)
    slots = state.pairs.slots[numbers]
    holds = (slots["given"] > 0) | (slots["got"] > 0)
    slots = slots[holds]
    slots["granted"] = 0
    return row, state.pairs.others[numbers[holds]].copy(), slots


def emptied(state: UserState, slot: int) -> None:
    """Have the user at `slot` have received nothing."""
    blank = empty_users(1)
    for name in RECEIVED:
        state.rows[name][slot] = blank[name][0]
    state.dirty[slot] = True
    pairs = state.pairs
    numbers = np.flatnonzero(pairs.users == slot)
    nothing = empty_pairs(1)
    pairs.slots["given"][numbers] = 0
    for name in ("got_at", "got", "known"):
        pairs.slots[name][numbers] = nothing[name][0]
    pairs.dirty[numbers] = True


def join_rows(state: UserState, slot: int, row: Any, parameters: Parameters) -> None:
    """Add what the other `row` has received, its relationships as sums, to the user at `slot`."""
    mine, c = state.rows[slot], constants_of(parameters)
    _join_masses(mine, row, c)
    mine["reach"] = fold(mine["reach"], mine["reach_at"], row["reach"], row["reach_at"], c.reach_half_life_s)
    mine["reach_at"] = max(mine["reach_at"], row["reach_at"])
    for name in ("bond_known", "bond_new"):
        mine[name] = fold(mine[name], mine["bond_at"], row[name], row["bond_at"], c.bond_half_life_s)
    mine["bond_at"] = max(mine["bond_at"], row["bond_at"])
    mine["received"] += row["received"]
    _join_days(mine, row)
    for i in range(TOP_EVENTS):
        place = outranked(mine, row["top_ref"][i], row["top_at"][i], row["top_mass"][i], c.kernel_half_life_s)
        if row["top_ref"][i] >= 0 and place >= 0:
            for name in ("top_ref", "top_at", "top_mass"):
                mine[name][place] = row[name][i]
    _join_shown(mine, row, parameters)
    state.dirty[slot] = True


def _join_masses(mine: Any, row: Any, c: Constants) -> None:
    newest = max(mine["mass_at"], row["mass_at"])
    for j in range(HALF_LIVES):
        half_life_s = c.half_lives_s[j]
        for name in ("known", "new"):
            mine[name][j] = fold(mine[name][j], mine["mass_at"], row[name][j], row["mass_at"], half_life_s)
        for kind, theirs in zip(mine["kinds"], row["kinds"], strict=True):
            kind[j] = fold(kind[j], mine["mass_at"], theirs[j], row["mass_at"], half_life_s)
    mine["momentum"] = fold(mine["momentum"], mine["mass_at"], row["momentum"], row["mass_at"], c.momentum_half_life_s)
    mine["mass_at"] = newest


def _join_days(mine: Any, row: Any) -> None:
    newest = max(int(mine["day"]), int(row["day"]))
    days = np.zeros_like(mine["days"])
    for day in range(newest - DAYS + 1, newest + 1):
        for one in (mine, row):
            if int(one["day"]) - DAYS < day <= int(one["day"]):
                days[day % DAYS] += one["days"][day % DAYS]
    mine["days"], mine["day"] = days, newest


def _join_shown(mine: Any, row: Any, parameters: Parameters) -> None:
    """Show the higher of both scores, and let only the first week of the longer known one count."""
    at = max(mine["shown_at"], row["shown_at"])
    shown = [
        float(moved(one["shown"], one["target"], at - one["shown_at"], parameters)) if one["shown"] > 0 else 0.0
        for one in (mine, row)
    ]
    mine["shown"], mine["shown_at"] = max(shown), at
    mine["target"] = max(mine["target"], row["target"])
    mine["first_scored_at"] = min(mine["first_scored_at"], row["first_scored_at"])


def join_pairs(state: UserState, slot: int, others: Hashes, slots: Records, parameters: Parameters) -> None:
    """Add slots, whose relationships the row at `slot` holds already, to those of the user."""
    numbers = state.pairs.find_or_add(np.full(len(others), slot), others)
    for number, theirs in zip(numbers.tolist(), slots, strict=True):
        _join_pair(state.rows[slot], state.pairs.slots[number], theirs, constants_of(parameters))
    state.pairs.dirty[numbers] = True
    state.dirty[slot] = True


def rename(state: UserState, account: int, person: int, parameters: Parameters) -> tuple[npt.NDArray[np.int64], Hashes]:
    """Have everybody remember the person where they remembered the account (hashes); return the pairs that went."""
    gone = state.pairs.others == np.uint64(account)
    users, slots = state.pairs.users[gone].copy(), state.pairs.slots[gone].copy()
    new = np.full(1, person, np.uint64)
    for user, one in zip(users.tolist(), slots, strict=True):
        join_pairs(state, user, new, one.reshape(1), parameters)
    return state.pairs.remove(np.append(gone, np.zeros(len(state.pairs) - len(gone), np.bool_)))


def _join_pair(row: Any, mine: Any, theirs: Any, c: Constants) -> None:
    latest = max(mine["given_at"], mine["got_at"], theirs["given_at"], theirs["got_at"])
    before = [(_mutual(one, latest, c), int(one["known"])) for one in (mine, theirs)]
    given_at, got_at = max(mine["given_at"], theirs["given_at"]), max(mine["got_at"], theirs["got_at"])
    granted = _sum(mine, theirs, "granted", "given_at", given_at, c.pair_half_life_s)
    # What was above the capacity already has granted nothing for it, and stays what it is.
    most = max(c.pair_capacity, float(mine["granted"]), float(theirs["granted"]))
    mine["granted"], given = min(most, granted), _sum(mine, theirs, "given", "given_at", given_at, c.bond_half_life_s)
    got = _sum(mine, theirs, "got", "got_at", got_at, c.bond_half_life_s)
    mine["given"], mine["given_at"], mine["got"], mine["got_at"] = given, given_at, got, got_at
    mine["known"] |= theirs["known"]
    if latest > -np.inf:
        after = _mutual(mine, latest, c)
        for low, was_known in before:
            _bond(row, latest, low, was_known, 0.0, int(mine["known"]), c)
        _bond(row, latest, 0.0, int(mine["known"]), after, int(mine["known"]), c)


def _bond(row: Any, at: float, low: float, was_known: int, high: float, is_known: int, c: Constants) -> None:
    bonds = transfer(row, at, low, was_known, high, is_known, c.bond_half_life_s)
    row["bond_known"], row["bond_new"], row["bond_at"] = bonds


def _sum(mine: Any, theirs: Any, name: str, at_name: str, at: float, half_life_s: float) -> float:
    return sum(
        float(decayed(one[name], at - one[at_name], half_life_s)) if one[name] > 0 else 0.0 for one in (mine, theirs)
    )


def _mutual(one: Any, at: float, c: Constants) -> float:
    """Return what both sides of a slot have given each other, at an instant not before its newest."""
    if one["given"] <= 0 or one["got"] <= 0:
        return 0.0
    given = decayed(one["given"], at - one["given_at"], c.bond_half_life_s)
    return float(min(given, decayed(one["got"], at - one["got_at"], c.bond_half_life_s)))
