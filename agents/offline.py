"""Both stages over columns, without Kafka: each partition's users on a state of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agents.recorded import CHUNK_ACTS, Acts
from streams.model.actor import price
from streams.model.parameters import Parameters
from streams.model.state import UserState
from streams.model.target import credit

Ints = npt.NDArray[np.int64]


class BothStages:
    """The state that acts leave behind; user code c lives on partition c % n as row c // n."""

    def __init__(self, parameters: Parameters, users: int = 0, partitions: int = 1) -> None:
        self.parameters = parameters
        self.events = 0
        self.newest = -np.inf
        self._states = [UserState() for _ in range(partitions)]
        self._users = 0
        self.ensure(users)

    def ensure(self, users: int) -> None:
        """Make the rows of codes 0..users-1 exist."""
        self._users = max(self._users, users)
        for number, state in enumerate(self._states):
            state.ensure((self._users - number + len(self._states) - 1) // len(self._states))

    def apply(self, acts: Acts) -> None:
        """Apply acts in array order, chunk by chunk."""
        for start in range(0, len(acts), CHUNK_ACTS):
            self._chunk(acts[start : start + CHUNK_ACTS])

    def rows(self) -> npt.NDArray[Any]:
        """Return the rows (dtype USER) by code: with one partition a view of the state, else a copy."""
        if len(self._states) == 1:
            return self._states[0].live()
        rows = np.empty(self._users, self._states[0].rows.dtype)
        for number, state in enumerate(self._states):
            rows[number :: len(self._states)] = state.live()
        return rows

    def _chunk(self, acts: Acts) -> None:
        """Run one chunk through both stages, each partition's share on its own state."""
        count = len(acts)
        offsets = np.arange(self.events, self.events + count)
        refs = acts.kinds.astype(np.int64) << 60 | offsets
        grants, established, increments = np.zeros(count), np.zeros(count, np.uint8), np.zeros(count)
        for state, here in self._shares(acts.actors):
            mine, others = acts[here], acts.targets[here].astype(np.uint64)
            slots, keep = mine.actors // len(self._states), np.ones(len(here), np.uint8)
            priced = price(state, slots, others, mine.kinds, mine.at, offsets[here], keep, self.parameters)
            grants[here], established[here], increments[here] = priced
        for state, here in self._shares(acts.targets):
            mine, others = acts[here], acts.actors[here].astype(np.uint64)
            slots, keep = mine.targets // len(self._states), np.ones(len(here), np.uint8)
            priced = (grants[here], established[here], increments[here])
            credit(state, slots, others, mine.kinds, mine.at, *priced, refs[here], self.events, keep, self.parameters)
        self.events += count
        self.newest = max(self.newest, float(acts.at.max()))

    def _shares(self, users: Ints) -> list[tuple[UserState, Ints]]:
        partitions = users % len(self._states)
        shares = [(state, np.flatnonzero(partitions == number)) for number, state in enumerate(self._states)]
        return [(state, here) for state, here in shares if len(here)]
