"""The state of one partition of the users table, and what about it is not yet durable."""

from __future__ import annotations

from typing import Any

import numpy as np

from streams.engine.keys import KeyIndex
from streams.model.state import UserState

NOTHING_READ = -1


class Partition:
    """Rows, pairs, keys and metas of one partition.

    `position` is the last changelog offset that this state contains, -1 when it contains none. `extra`
    belongs to the stages: it is not persisted and goes away with the partition. While `active` is false the
    partition is a standby copy that only the changelog may change.
    """

    def __init__(self, number: int, hash_key: bytes) -> None:
        """Start empty."""
        self.number = number
        self.state = UserState()
        self.index = KeyIndex(hash_key)
        self.meta: dict[bytes, bytes] = {}
        self.extra: dict[str, Any] = {}
        self.active = False
        self.recovered = False
        self.position = NOTHING_READ
        self._changed_metas: set[bytes] = set()
        self._removed_pairs: list[tuple[np.ndarray, np.ndarray]] = []

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

    @property
    def is_dirty(self) -> bool:
        """Whether anything here is not in the changelog yet."""
        return bool(
            self._changed_metas
            or self._removed_pairs
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
