"""What one partition knows: a row per user and a slot per pair of users."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.rows import empty_users
from streams.model.pairs import PairTable

_FIRST_CAPACITY: Final = 1024


class UserState:
    """Rows 0..count-1 of dtype USER, grown by doubling, with the pairs that live beside them."""

    def __init__(self) -> None:
        self.count = 0
        self.rows: npt.NDArray[Any] = empty_users(_FIRST_CAPACITY)
        self.dirty: npt.NDArray[np.bool_] = np.zeros(_FIRST_CAPACITY, np.bool_)
        self.pairs = PairTable()

    def ensure(self, count: int) -> None:
        """Make rows 0..count-1 exist, new ones empty. `rows` and `dirty` may be other arrays afterwards."""
        if count > len(self.rows):
            capacity = 1 << (count - 1).bit_length()
            rows, dirty = empty_users(capacity), np.zeros(capacity, np.bool_)
            rows[: len(self.rows)] = self.rows
            dirty[: len(self.dirty)] = self.dirty
            self.rows, self.dirty = rows, dirty
        self.count = max(self.count, count)

    def live(self) -> npt.NDArray[Any]:
        """Return a view of the rows that exist."""
        return self.rows[: self.count]

    @property
    def nbytes(self) -> int:
        """Memory held by rows, flags and pairs."""
        return self.rows.nbytes + self.dirty.nbytes + self.pairs.nbytes
