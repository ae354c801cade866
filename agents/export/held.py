"""What the tables hold of a user: the row, the pairs, and how many others remember the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.tables import tables
from schemas.command import subject_of
from streams.engine.hashing import hash_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.settings import Settings


async def held(settings: Settings, user: bytes, tell: Callable[[str], None]) -> dict[str, Any]:
    """Return `{"row", "pairs", "remembered_by"}`: fields as the table names them (`schemas.rows`), instants in
    seconds, the others of pairs by keyed hash; `row` is None for somebody who is not there.
    """
    hashed = np.uint64(hash_id(user, settings.hash_key.encode()))
    found: dict[str, Any] = {"row": None, "pairs": [], "remembered_by": 0}
    async for partition in tables(settings):
        tell(f"tables: partition {partition.number + 1} of {settings.partitions}")
        pairs, slot = partition.state.pairs, partition.index.find(user)
        found["remembered_by"] += int((pairs.others == hashed).sum())
        if slot >= 0:
            own = np.flatnonzero(pairs.users == slot)
            found["row"] = _plain(partition.state.rows[slot])
            found["pairs"] = [{"other": subject_of(int(pairs.others[i])), **_plain(pairs.slots[i])} for i in own]
    return found


def _plain(record: Any) -> dict[str, Any]:
    """Return a record's fields as JSON-able values, None for an instant that never was."""
    return {name: _finite(record[name].tolist()) for name in record.dtype.names}


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
