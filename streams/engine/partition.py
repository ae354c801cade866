"""The state of one partition of the users table, and what about it is not yet durable."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.rows import empty_users
from streams.engine.keys import KeyIndex
from streams.model.granted import GrantedLog
from streams.model.state import UserState

NOTHING_READ = -1
Left = tuple[bytes, np.ndarray]
"""The key of a user who left, and the hashes (u8[n]) of those that the user's pairs were with."""


class Partition:
    """Rows, pairs, keys, granted log and metas of one partition.

    `position` is the last changelog offset that this state contains, -1 when it contains none. `extra`
    belongs to the stages: it is not persisted and goes away with the partition. While `active` is false the
    partition is a standby copy that only the changelog may change.
    """

    def __init__(self, number: int, hash_key: bytes) -> None:
        """Start empty."""
        self.number = number
        self.state, self.granted = UserState(), GrantedLog()
        self.index = KeyIndex(hash_key)
        self.meta: dict[bytes, bytes] = {}
        self.extra: dict[str, Any] = {}
        self.active = False
        self.recovered = False
        self.position = NOTHING_READ
        self._changed_metas: set[bytes] = set()
        self._removed_pairs: list[tuple[np.ndarray, np.ndarray]] = []
        self._left: list[Left] = []

    def __repr__(self) -> str:
        """Return number, role and size."""
        role = "active" if self.active else "standby"
        return f"<Partition {self.number} {role}, {len(self.index)} users, changelog to {self.position}>"

    def slots_at(self, buf: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Return the rows (i8[n]) of the keys buf[at[i] : at[i] + length[i]]; new users get an empty row."""
        slots = self.index.slots_at(buf, at, length)
        self.state.ensure(len(self.index))
        return slots

    def slots(self, keys: list[bytes]) -> np.ndarray:
        """Return the rows (i8[n]) of the keys; unknown users get an empty row."""
        slots = self.index.slots(keys)
        self.state.ensure(len(self.index))
        return slots

    def set_meta(self, name: bytes, value: bytes) -> None:
        """Keep `value` under `name`; durable with the next barrier, after all rows of that barrier."""
        self.meta[name] = value
        self._changed_metas.add(name)

    def pairs_removed(self, users: np.ndarray, others: np.ndarray) -> None:
        """Note pairs that the state dropped, so that the changelog forgets them with their user's row."""
        if len(users):
            self._removed_pairs.append((users.astype(np.int64), others.astype(np.uint64)))
            self.state.dirty[users] = True

    def leave(self, hashes: np.ndarray) -> list[bytes]:
        """Forget the users with these key hashes (u8[n]), and every pair with one of them; return the keys of those
        who were here. Durable with the next barrier.
        """
        slots, pairs = self.index.slots_of(hashes), self.state.pairs
        own = np.isin(pairs.users, slots)
        about = np.isin(pairs.others, hashes) & ~own
        before_users, before_others = self._take_removed_of(slots)
        users = np.concatenate([before_users, pairs.users[own]])
        others = np.concatenate([before_others, pairs.others[own]])
        left = [(self.index.key(slot), others[users == slot]) for slot in slots.tolist()]
        self._left += left
        self.granted.forget(hashes)
        self.pairs_removed(pairs.users[about], pairs.others[about])
        self._vacate(slots, own | about)
        return [key for key, _ in left]

    def vacate(self, slots: np.ndarray) -> None:
        """Forget the users in these rows, as the changelog says."""
        self._vacate(slots, np.isin(self.state.pairs.users, slots))

    def _vacate(self, slots: np.ndarray, pairs: np.ndarray) -> None:
        self.state.pairs.remove(pairs)
        self.state.rows[slots] = empty_users(len(slots))
        self.state.dirty[slots] = False
        self.index.vacate(slots)

    def _take_removed_of(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of these users that were removed and are not written yet, and note them no longer."""
        users, others = self.take_removed_pairs()
        theirs = np.isin(users, slots)
        self.pairs_removed(users[~theirs], others[~theirs])
        return users[theirs], others[theirs]

    def take_left(self) -> list[Left]:
        """Return who left since the last call."""
        left, self._left = self._left, []
        return left

    @property
    def is_dirty(self) -> bool:
        """Whether anything here is not in the changelog yet."""
        return bool(
            self._changed_metas
            or self._removed_pairs
            or self._left
            or self.granted.is_dirty
            or self.state.dirty[: self.state.count].any()
            or self.state.pairs.dirty.any()
        )

    def take_changed_metas(self) -> list[tuple[bytes, bytes]]:
        """Return the metas changed since the last call, as (name, value)."""
        changed, self._changed_metas = sorted(self._changed_metas), set()
        return [(name, self.meta[name]) for name in changed]

    def take_removed_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (user slots i8, hashes u8) of the pairs removed since the last call."""
        removed, self._removed_pairs = self._removed_pairs, []
        if not removed:
            return np.empty(0, np.int64), np.empty(0, np.uint64)
        return np.concatenate([u for u, _ in removed]), np.concatenate([o for _, o in removed])
