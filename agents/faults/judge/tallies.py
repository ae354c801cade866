"""The tables against the input: every user, both sides, every kind."""

from __future__ import annotations

import numpy as np

from agents.faults.judge.contract import KINDS
from agents.faults.judge.ledger import Ledger
from agents.faults.judge.table import Table
from agents.faults.judge.verdict import Findings

SIDES = ("received", "given")


def check_counts(ledger: Ledger, table: Table, findings: Findings) -> dict[str, int]:
    """Return lost_, doubled_ and counted_ by side; users that differ become findings."""
    users = list(dict.fromkeys([*table.users, *ledger.received, *ledger.given]))
    code = {user: number for number, user in enumerate(users)}
    places = np.fromiter((code[user] for user in table.users), np.int64, len(table.users))
    sums, wrong = {}, np.zeros(len(users), np.bool_)
    tables: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for side in SIDES:
        have, owed = np.zeros((len(users), len(KINDS)), np.int64), np.zeros((len(users), len(KINDS)), np.int64)
        np.add.at(have, places, table.rows[side].astype(np.int64))
        for user, counts in (ledger.received if side == "received" else ledger.given).items():
            owed[code[user]] = counts
        sums[f"lost_{side}"] = int(np.maximum(owed - have, 0).sum())
        sums[f"doubled_{side}"] = int(np.maximum(have - owed, 0).sum())
        sums[f"counted_{side}"] = int(np.minimum(have, owed).sum())
        wrong |= (have != owed).any(axis=1)
        tables[side] = have, owed
    for number in np.flatnonzero(wrong).tolist():
        findings.add("users_wrong", _difference(users[number], number, tables))
    _check_homes(ledger, table, findings)
    return sums


def _difference(user: bytes, number: int, tables: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    parts = [
        f"{side} {kind} {have[number, k]} of {owed[number, k]}"
        for side, (have, owed) in tables.items()
        for k, kind in enumerate(KINDS)
        if have[number, k] != owed[number, k]
    ]
    return f"{user.decode(errors='replace')}: {', '.join(parts)}"


def _check_homes(ledger: Ledger, table: Table, findings: Findings) -> None:
    """Note users with rows in two partitions, and actors whose row is not where the input's keys put them."""
    seen: set[bytes] = set()
    for user, home in zip(table.users, table.homes.tolist(), strict=True):
        expected = ledger.homes.get(user, home)
        if user in seen or home != expected:
            findings.add("users_strayed", f"{user.decode(errors='replace')}: row in partition {home}")
        seen.add(user)
