"""Table layouts, versioned: one row per user, one slot per pair of users.

A row of another version is migrated or refused by name, never skipped: change a layout, raise its version.
Every instant is float64 seconds since the epoch; every mass is float64 in units of one established
person's fresh share. Rows and slots start from `empty_users` and `empty_pairs`, never from plain zeros: an instant
that has not happened yet is infinite, because 0 is 1970 and may be a real one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

HALF_LIVES: Final = 3
KIND_COUNT: Final = 4
DAYS: Final = 7
TOP_EVENTS: Final = 5

USER_VERSION: Final = 1
USER: Final = np.dtype(
    [
        ("given_last", "<i8"),  # engagement offset + 1 applied last to the actor side; 0 = never
        ("got_last", "<i8"),  # credit offset + 1 applied last to the target side; 0 = never
        ("volume", "<f8"),  # V, at volume_at
        ("volume_at", "<f8"),
        ("born_at", "<f8"),  # earliest act; +inf = never acted
        ("mass_at", "<f8"),  # instant of known, new, kinds, momentum
        ("known", "<f8", (HALF_LIVES,)),  # P_j, from the established
        ("new", "<f8", (HALF_LIVES,)),  # U_j, from newcomers
        ("momentum", "<f8"),  # M
        ("reach", "<f8"),  # D, at reach_at
        ("reach_at", "<f8"),
        ("bond_known", "<f8"),  # RP, at bond_at
        ("bond_new", "<f8"),  # RU, at bond_at
        ("bond_at", "<f8"),
        ("kinds", "<f8", (KIND_COUNT, HALF_LIVES)),  # masses by kind, for explanations
        ("received", "<u4", (KIND_COUNT,)),
        ("given", "<u4", (KIND_COUNT,)),
        ("day", "<i4"),  # newest UTC day in days
        ("days", "<u4", (DAYS, KIND_COUNT)),  # received per day, index day % DAYS
        ("top_ref", "<i8", (TOP_EVENTS,)),  # kind << 60 | partition << 48 | offset; -1 = empty
        ("top_at", "<f8", (TOP_EVENTS,)),
        ("top_mass", "<f8", (TOP_EVENTS,)),
        ("shown", "<f8"),  # shown score at shown_at; 0 = never scored
        ("shown_at", "<f8"),
        ("target", "<f8"),  # target score computed at shown_at
        ("first_scored_at", "<f8"),  # start of the provisional week; +inf = not yet under a full calibration
        ("sent_last", "<i8"),  # got_last of the score that the scores topic acknowledged last
        ("sent_score", "<f8"),  # that score; 0 = never sent
    ]
)

PAIR_VERSION: Final = 1
PAIR: Final = np.dtype(
    [
        ("given_at", "<f8"),  # instant of granted, given = newest act towards the other; -inf = none
        ("granted", "<f8"),  # m: mass that the user granted to the other, half-life H_P
        ("given", "<f8"),  # y: mass given to the other, half-life H_R
        ("got_at", "<f8"),  # instant of got = newest act of the other towards the user; -inf = none
        ("got", "<f8"),  # x: mass got from the other, half-life H_R
        ("known", "<u1"),  # 1 = the other was established when acting towards the user
    ]
)


def empty_users(count: int) -> np.ndarray:
    """Return `count` rows of users that have neither given nor received anything."""
    rows = np.zeros(count, USER)
    rows["top_ref"] = -1
    rows["born_at"] = np.inf
    rows["first_scored_at"] = np.inf
    return rows


def empty_pairs(count: int) -> np.ndarray:
    """Return `count` slots of pairs in which neither has acted towards the other."""
    pairs = np.zeros(count, PAIR)
    pairs["given_at"] = -np.inf
    pairs["got_at"] = -np.inf
    return pairs
