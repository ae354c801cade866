"""What a barrier makes durable of one partition: copied in one step, sent afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.engine.partition import Left, Partition
from streams.model.granted_segments import Change


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The changed users of a partition with their changed pairs, those who left, and its changed metas
    and segments of its granted log.

    User u is key arena[key_at[u] : key_at[u] + key_len[u]], its row is rows[u] (u1[n, itemsize]) and its
    pairs are pair_start[u] : pair_start[u + 1] of `others`, `pairs` (u1[m, itemsize]) and `removed`.
    """

    partition: Partition
    arena: np.ndarray
    key_at: np.ndarray
    key_len: np.ndarray
    rows: np.ndarray
    pair_start: np.ndarray
    others: np.ndarray
    pairs: np.ndarray
    removed: np.ndarray
    left: list[Left]
    granted: list[Change]
    metas: list[tuple[bytes, bytes]]

    @property
    def users(self) -> int:
        """How many user rows."""
        return len(self.rows)


def as_bytes(records: np.ndarray) -> np.ndarray:
    """Return a contiguous structured array (n) as u1[n, itemsize], without a copy."""
    return records.view(np.uint8).reshape(len(records), records.dtype.itemsize)


def take(partition: Partition) -> Snapshot | None:
    """Return a copy of everything changed in `partition` and mark it clean; None when nothing changed.

    A changed pair without a changed row is written with its user's row all the same: the two are never torn.
    """
    if not partition.is_dirty:
        return None
    state, pairs = partition.state, partition.state.pairs
    changed = pairs.dirty_indices()
    gone_users, gone_others = partition.take_removed_pairs()
    state.dirty[pairs.users[changed]] = True
    slots = np.flatnonzero(state.dirty[: state.count])
    owners = np.concatenate([gone_users, pairs.users[changed]])
    order = np.argsort(owners, kind="stable")
    blank = np.zeros(len(gone_users), pairs.slots.dtype)
    values = np.concatenate([blank, pairs.slots[changed]])[order]
    snapshot = Snapshot(
        partition=partition,
        arena=partition.index.arena,
        key_at=partition.index.start[slots],
        key_len=partition.index.length[slots],
        rows=as_bytes(state.rows[slots]),
        pair_start=np.append(np.searchsorted(owners[order], slots), len(owners)),
        others=np.concatenate([gone_others, pairs.others[changed]])[order],
        pairs=as_bytes(values),
        removed=(np.arange(len(owners)) < len(gone_users))[order],
        left=partition.take_left(),
        granted=partition.granted.changes(),
        metas=partition.take_changed_metas(),
    )
    state.dirty[slots] = False
    pairs.mark_clean(changed)
    return snapshot
