"""Transfer: what travels between partitions for linked accounts, in the credits topic beside the credits.

A record (little-endian, back to back): header `MARK, version, kind, 0, lane u4, order i8, produced_at_ms i8`, then by
kind. INTRODUCE: length u2 of the account's id, the account's id, the person's id. CREDITS: events of dtype RELAYED.
ROW, PAIRS: the person's hash u8; the row of dtype USER (in ROW alone); n hashes u8; n slots of dtype PAIR.

`lane` and `order`: what one partition sends to another in one lane comes in growing order, so that what was sent again
after a crash is told from what is new; of CREDITS each event has its own. An introduction may come again and has none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.errors import BrokenGuaranteeError
from schemas.rows import PAIR, USER
from schemas.versions import newer

MARK: Final = 0
"""What no credit record begins with: those begin with their version, from 1 on."""
TRANSFER_VERSION: Final = 1
INTRODUCE, CREDITS, ROW, PAIRS = range(4)
RELAYED: Final = np.dtype(
    [
        ("at", "<f8"),
        ("mass", "<f8"),
        ("actor", "<u8"),
        ("person", "<u8"),  # keyed hash of whom the event counts for
        ("order", "<i8"),  # offset of the credit in the sender's log
        ("reference", "<i8"),  # kind << 60 | partition << 48 | offset of the engagement
        ("produced_at_ms", "<i8"),
        ("reach", "<f8"),
        ("kind", "u1"),
        ("established", "u1"),
        ("undone", "u1"),  # 1 = the event takes back the act that it describes
    ]
)
_HEADER: Final = struct.Struct("<BBBxIqq")
_HASH: Final = struct.Struct("<Q")
_LENGTH: Final = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One record; `body` is what stands behind the header, for the function of its kind."""

    kind: int
    lane: int
    order: int
    produced_at_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """What an account had received: the row (USER[1] or none) and the slots (PAIR[n]) by the others' hashes."""

    person: int
    row: np.ndarray
    others: np.ndarray
    slots: np.ndarray


def is_transfer(value: bytes) -> bool:
    """Whether a record of the credits topic is a transfer."""
    return value[:1] == b"\0"


def encode_transfer(transfer: Transfer) -> bytes:
    """Return the record's value."""
    t = transfer
    return _HEADER.pack(MARK, TRANSFER_VERSION, t.kind, t.lane, t.order, t.produced_at_ms) + t.body


def decode_transfer(value: bytes) -> Transfer:
    """Return what a record says; raise BrokenGuaranteeError when it is not ours (only Renown writes them)."""
    if len(value) < _HEADER.size or value[0] != MARK:
        raise BrokenGuaranteeError(f"a transfer of {len(value)} bytes has no header")
    _, version, kind, lane, order, produced_at_ms = _HEADER.unpack_from(value)
    if version > TRANSFER_VERSION:
        raise newer("a transfer", "transfer", version, TRANSFER_VERSION)
    if version != TRANSFER_VERSION or kind > PAIRS:
        raise BrokenGuaranteeError(f"a transfer of version {version} and kind {kind}, which no release has written")
    return Transfer(kind, lane, order, produced_at_ms, value[_HEADER.size :])


def introduction(account: bytes, person: bytes, produced_at_ms: int) -> bytes:
    """Return the record that tells a partition the names of an account and of its person.

    >>> names(decode_transfer(introduction(b"x:a", b"x:b", 0)).body)
    (b'x:a', b'x:b')
    """
    body = _LENGTH.pack(len(account)) + account + person
    return encode_transfer(Transfer(INTRODUCE, 0, 0, produced_at_ms, body))


def names(body: bytes) -> tuple[bytes, bytes]:
    """Return account and person of an introduction."""
    (length,) = _LENGTH.unpack_from(body)
    end = _LENGTH.size + length
    return body[_LENGTH.size : end], body[end:]


def relayed(body: bytes) -> np.ndarray:
    """Return the events (RELAYED[n]) of a record of kind CREDITS."""
    return np.frombuffer(body, RELAYED)


def moved_body(moved: Moved) -> bytes:
    """Return the body of a record of kind ROW (with a row) or PAIRS (without)."""
    others = moved.others.astype("<u8").tobytes()
    return _HASH.pack(moved.person) + moved.row.tobytes() + others + moved.slots.tobytes()


def moved(kind: int, body: bytes) -> Moved:
    """Return what a record of kind ROW or PAIRS moves."""
    (person,) = _HASH.unpack_from(body)
    at = _HASH.size
    row = np.frombuffer(body, USER, 1 if kind == ROW else 0, at)
    at += row.nbytes
    count, rest = divmod(len(body) - at, _HASH.size + PAIR.itemsize)
    if rest:
        raise BrokenGuaranteeError(f"a transfer of {len(body)} bytes does not end behind a slot")
    others = np.frombuffer(body, "<u8", count, at)
    return Moved(person, row, others, np.frombuffer(body, PAIR, count, at + others.nbytes))
