"""The users table's changelog as the judge reads it: newest row of every user, by its own idea of the layout.

A record is a user's row (key = id), a pair slot (key = 0x01, 8 bytes, id), a part of the log of what was granted
(key = 0x02, 8 bytes) or a note (key = 0x00, name). All but notes begin with one byte that names their version; a row of
any other is unreadable, which is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agents.faults.judge.verdict import Findings

ROW_VERSION: Final = 1
PAIR_VERSION: Final = 1
PAIR_BYTES: Final = 5 * 8 + 1
PAIR_KEY_BYTES: Final = 9
DAYS: Final = 7
GRANTED_VERSION: Final = 1
GRANTED_BYTES: Final = 4 * 8 + 2 * 4 + 1
_NOTE, _PAIR, _GRANTED, _FIRST_OF_ID = 0x00, 0x01, 0x02, 0x20
_MASSES: Final = 3 + 3 + 1 + 1 + 1 + 1 + 1 + 1 + 4 * 3
"""Eight-byte numbers between the instant of the masses and the counts."""
ROW: Final = np.dtype(
    [
        ("given_last", "<i8"),
        ("got_last", "<i8"),
        ("volumes", "<f8", (3,)),
        ("mass_at", "<f8"),
        ("masses", "<f8", (_MASSES,)),
        ("received", "<u4", (4,)),
        ("given", "<u4", (4,)),
        ("day", "<i4"),
        ("days", "<u4", (DAYS, 4)),
        ("moments", "<f8", (5, 3)),
        ("shown", "<f8"),
        ("shown_at", "<f8"),
        ("target", "<f8"),
        ("first_scored_at", "<f8"),
        ("sent_last", "<i8"),
        ("sent_score", "<f8"),
    ]
)


@dataclass(frozen=True)
class Table:
    """`users[i]` has row `rows[i]` (dtype ROW), written in partition `homes[i]` (i8)."""

    users: list[bytes]
    rows: np.ndarray
    homes: np.ndarray


def table_of(messages: Iterable[Any], findings: Findings) -> Table:
    """Return the newest row of every user; records that this layout cannot read become findings."""
    newest: dict[tuple[int, bytes], bytes] = {}
    for message in messages:
        key, value = message.key() or b"", message.value()
        mark = key[0] if key else -1
        if mark >= _FIRST_OF_ID and value is not None and len(value) == 1 + ROW.itemsize and value[0] == ROW_VERSION:
            newest[message.partition(), key] = value
        elif not _is_beside(mark, key, value):
            place = f"changelog {message.partition()}@{message.offset()} key {key[:40]!r}"
            findings.add("unreadable", f"{place}: version {value[0] if value else None}, {len(value or b'')} bytes")
    bodies = b"".join(value[1:] for value in newest.values())
    homes = np.fromiter((partition for partition, _ in newest), np.int64, len(newest))
    return Table([user for _, user in newest], np.frombuffer(bodies, ROW), homes)


def _is_beside(mark: int, key: bytes, value: bytes | None) -> bool:
    """Whether the record is a note, a pair slot, a part of the log, or one of these removed."""
    if mark == _GRANTED and len(key) == PAIR_KEY_BYTES:
        return value is None or (len(value) % GRANTED_BYTES == 1 and value[0] == GRANTED_VERSION)
    if mark == _PAIR and len(key) > PAIR_KEY_BYTES:
        return value is None or (len(value) == 1 + PAIR_BYTES and value[0] == PAIR_VERSION)
    return mark == _NOTE


def seven_days(rows: np.ndarray, today: np.ndarray) -> np.ndarray:
    """Return i8[n, 4]: what each row counts from six days before day `today` (i8[n], since 1970) to that day."""
    slots = np.arange(DAYS)
    newest = rows["day"].astype(np.int64)[:, None]
    day_of_slot = newest - (newest - slots) % DAYS
    within = (day_of_slot > today[:, None] - DAYS) & (day_of_slot <= today[:, None])
    counts: np.ndarray = np.einsum("nds,nd->ns", rows["days"].astype(np.int64), within.astype(np.int64))
    return counts
