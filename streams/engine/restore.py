"""The changelog back into a partition: users, pairs, who and what is gone, and metas, in the log's order.

Bytes that this version cannot read are refused by name: skipping one record would lose its user for good.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from schemas.errors import BrokenGuaranteeError, shown
from schemas.granted import GRANTED, GRANTED_VERSION
from schemas.rows import PAIR, PAIR_VERSION, USER, USER_VERSION, empty_pairs
from schemas.versions import newer
from streams.engine.chunk import Chunk
from streams.engine.layout import (
    FIRST_OF_ID,
    GRANTED_BYTES,
    GRANTED_KEY,
    GRANTED_MARK,
    META,
    OWN,
    PAIR_BYTES,
    PAIR_MARK,
    PAIR_PREFIX,
    STATE,
    STATE_VERSION,
    USER_BYTES,
)
from streams.engine.partition import Partition
from streams.model.pairs import PairTable

USER_ROW, USER_GONE, PAIR_SLOT, PAIR_GONE, META_VALUE, GRANTED_PART, GRANTED_GONE, UNREADABLE = range(8)


@njit(cache=True, nogil=True)
def _granted_kind(buf: np.ndarray, value_at: int, value_len: int) -> int:
    """Return what a record of the granted log is."""
    if value_len < 0:
        return GRANTED_GONE
    is_readable = value_len % GRANTED_BYTES == 1 and buf[value_at] == GRANTED_VERSION
    return GRANTED_PART if is_readable else UNREADABLE


@njit(cache=True, nogil=True)
def _kinds(
    buf: np.ndarray, key_at: np.ndarray, key_len: np.ndarray, value_at: np.ndarray, value_len: np.ndarray
) -> np.ndarray:
    """Return what each record is (u1[n])."""
    out = np.full(len(key_at), UNREADABLE, np.uint8)
    for i in range(len(key_at)):
        if key_len[i] < 1:
            continue
        mark = buf[key_at[i]]
        if mark == META:
            out[i] = META_VALUE
        elif mark == PAIR_MARK and key_len[i] > PAIR_PREFIX:
            if value_len[i] < 0:
                out[i] = PAIR_GONE
            elif value_len[i] == PAIR_BYTES and buf[value_at[i]] == PAIR_VERSION:
                out[i] = PAIR_SLOT
        elif mark == GRANTED_MARK and key_len[i] == GRANTED_KEY:
            out[i] = _granted_kind(buf, value_at[i], value_len[i])
        elif mark >= FIRST_OF_ID and value_len[i] < 0:
            out[i] = USER_GONE
        elif mark >= FIRST_OF_ID and value_len[i] == USER_BYTES and buf[value_at[i]] == USER_VERSION:
            out[i] = USER_ROW
    return out


@njit(cache=True, nogil=True)
def _gathered(buf: np.ndarray, at: np.ndarray, width: int) -> np.ndarray:
    """Return buf[at[i] : at[i] + width] as u1[n, width]."""
    out = np.empty((len(at), width), np.uint8)
    for i in range(len(at)):
        for j in range(width):
            out[i, j] = buf[at[i] + j]
    return out


@njit(cache=True, nogil=True)
def _fill(buf: np.ndarray, at: np.ndarray, slots: np.ndarray, rows: np.ndarray) -> None:
    """Copy buf[at[i] : at[i] + width] into rows[slots[i]] in order; `rows` is u1[n, width].

    A gathered copy between would cost more than all else: fresh memory is faulted in page by page.
    """
    width = rows.shape[1]
    for i in range(len(at)):
        row, begin = rows[slots[i]], at[i]
        for j in range(width):
            row[j] = buf[begin + j]


def apply(partition: Partition, chunk: Chunk) -> int:
    """Bring `partition` forward by a chunk of its changelog; return how many records were applied.

    What the partition already contains is passed over. BrokenGuaranteeError when a record cannot be read, or
    when it would overwrite changes that are not durable yet: then somebody else wrote while this worker
    thought it owned the partition.
    """
    start = int(np.searchsorted(chunk.offsets, partition.position, side="right"))
    fresh = Chunk(chunk.topic, chunk.partition, partition.position + 1, chunk.last, chunk.buf, chunk.table[:, start:])
    kinds = _kinds(chunk.view, fresh.key_at, fresh.key_len, fresh.value_at, fresh.value_len)
    _refuse_unreadable(fresh, kinds)
    metas = _metas(fresh, kinds)
    foreign = len(metas) + int((kinds != META_VALUE).sum())
    if foreign and partition.is_dirty:
        message = f"changelog {chunk.topic}-{chunk.partition} grew to {chunk.last} under unsaved changes"
        raise BrokenGuaranteeError(message)
    if foreign:
        partition.extra.clear()
    start = 0
    for left in [*np.flatnonzero(kinds == USER_GONE).tolist(), len(kinds)]:
        _apply_users(partition, fresh, start + np.flatnonzero(kinds[start:left] == USER_ROW))
        _apply_pairs(partition, fresh, start, kinds[start:left])
        _apply_leaving(partition, fresh, slice(left, left + 1))
        start = left + 1
    _load_granted(partition, fresh, kinds)
    partition.meta.update(metas)
    partition.position = max(partition.position, chunk.last)
    return foreign


def _load_granted(partition: Partition, chunk: Chunk, kinds: np.ndarray) -> None:
    for i in np.flatnonzero((kinds == GRANTED_PART) | (kinds == GRANTED_GONE)).tolist():
        key, value = _bytes(chunk, i)
        entries = np.frombuffer(value, GRANTED, offset=1) if kinds[i] == GRANTED_PART else None
        partition.granted.load(int.from_bytes(key[1:], "big"), entries)


def _metas(chunk: Chunk, kinds: np.ndarray) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for i in np.flatnonzero(kinds == META_VALUE).tolist():
        key, value = _bytes(chunk, i)
        if key.startswith(STATE):
            _refuse_newer_state(chunk, i, key)
        elif key not in OWN:
            found[key[1:]] = value
    return found


def _refuse_newer_state(chunk: Chunk, i: int, key: bytes) -> None:
    version = key.removeprefix(STATE)
    if not version.isdigit():
        message = f"{_place(chunk, i)}: {shown(key)} names no version of the state"
        raise BrokenGuaranteeError(message)
    if int(version) > STATE_VERSION:
        raise newer(_place(chunk, i), "state", int(version), STATE_VERSION)


def _place(chunk: Chunk, i: int) -> str:
    return f"changelog {chunk.topic}-{chunk.partition} from offset {int(chunk.offsets[i])}"


def _bytes(chunk: Chunk, i: int) -> tuple[bytes, bytes]:
    key_at, value_at = int(chunk.key_at[i]), int(chunk.value_at[i])
    key_len, value_len = max(int(chunk.key_len[i]), 0), max(int(chunk.value_len[i]), 0)
    return chunk.buf[key_at : key_at + key_len], chunk.buf[value_at : value_at + value_len]


def _refuse_unreadable(chunk: Chunk, kinds: np.ndarray) -> None:
    bad = np.flatnonzero(kinds == UNREADABLE)
    if not len(bad):
        return
    i = int(bad[0])
    key, value = _bytes(chunk, i)
    where = f"{chunk.topic}-{chunk.partition} offset {int(chunk.offsets[i])}"
    reads = {PAIR_MARK: PAIR_VERSION, GRANTED_MARK: GRANTED_VERSION}.get(key[0] if key else 0, USER_VERSION)
    version = value[0] if value else 0
    if version > reads:
        raise newer(f"changelog record {where}, key {shown(key)}", "layout", version, reads)
    message = (
        f"changelog record {where}, key {shown(key)}: layout version {version or 'none'} with "
        f"{len(value)} bytes; this release reads users v{USER_VERSION} of {USER_BYTES} bytes and "
        f"pairs v{PAIR_VERSION} of {PAIR_BYTES}. Run the release that wrote it, or migrate the table"
    )
    raise BrokenGuaranteeError(message)


def _apply_users(partition: Partition, chunk: Chunk, at: np.ndarray) -> None:
    if not len(at):
        return
    slots = partition.slots_at(chunk.view, chunk.key_at[at], chunk.key_len[at])
    rows = partition.state.rows.view(np.uint8).reshape(-1, USER.itemsize)
    _fill(chunk.view, chunk.value_at[at] + 1, slots, rows)


def _apply_pairs(partition: Partition, chunk: Chunk, start: int, kinds: np.ndarray) -> None:
    """Enter and drop pairs in the log's order, of the records from `start` on that `kinds` tells of."""
    at = start + np.flatnonzero((kinds == PAIR_SLOT) | (kinds == PAIR_GONE))
    if not len(at):
        return
    kept = kinds[at - start] == PAIR_SLOT
    users = _owners(partition, chunk, at, kept)
    others = _gathered(chunk.view, chunk.key_at[at] + 1, PAIR_PREFIX - 1).reshape(-1).view("<u8")
    values = empty_pairs(len(at))
    values[kept] = _gathered(chunk.view, chunk.value_at[at[kept]] + 1, PAIR.itemsize).reshape(-1).view(PAIR)
    known = users >= 0
    partition.state.pairs.load(users[known], others[known], values[known])
    gone = known & ~kept
    if gone.any():
        _drop_empty(partition.state.pairs, users[gone], others[gone])


def _drop_empty(pairs: PairTable, users: np.ndarray, others: np.ndarray) -> None:
    """Drop those of the named pairs that are empty: the log may have filled one again after it was removed."""
    numbers = pairs.find(users, others)
    gone = np.zeros(len(pairs), np.bool_)
    gone[numbers] = pairs.slots[numbers] == empty_pairs(1)[0]
    pairs.remove(gone)


def _owners(partition: Partition, chunk: Chunk, at: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the row of the user of each pair record; -1 for a removed pair of somebody who is not here."""
    key_at, key_len = chunk.key_at[at] + PAIR_PREFIX, chunk.key_len[at] - PAIR_PREFIX
    users = np.empty(len(at), np.int64)
    users[kept] = partition.slots_at(chunk.view, key_at[kept], key_len[kept])
    users[~kept] = partition.index.find_at(chunk.view, key_at[~kept], key_len[~kept])
    return users


def _apply_leaving(partition: Partition, chunk: Chunk, at: slice) -> None:
    """Forget the user whose tombstone stands at `at`, if there is one and the user is here."""
    slots = partition.index.find_at(chunk.view, chunk.key_at[at], chunk.key_len[at])
    if (slots >= 0).any():
        partition.vacate(slots)
