"""Both stages over columns, without Kafka: each partition's users on a state of their own."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.recorded import CHUNK_ACTS, Acts
from schemas.credit import ESTABLISHED, KIND_MASK
from streams.model.actor import price
from streams.model.granted import GrantedLog, Refusal
from streams.model.parameters import Parameters
from streams.model.state import UserState
from streams.model.target import credit
from streams.model.undo import take_back

Ints = npt.NDArray[np.int64]
UNDO_WINDOW_S: Final = 86_400.0


class BothStages:
    """The state that acts leave behind; user code c lives on partition c % n as row c // n."""

    def __init__(
        self, parameters: Parameters, users: int = 0, partitions: int = 1, undo_window_s: float = UNDO_WINDOW_S
    ) -> None:
        self.parameters = parameters
        self.events = self.undone = self.undone_again = self.unknown_undos = 0
        self.newest = -np.inf
        self._states = [UserState() for _ in range(partitions)]
        self._logs = [GrantedLog() for _ in range(partitions)]
        for log in self._logs:
            log.window_s = undo_window_s
        self._offset = 0
        self._users = 0
        self.ensure(users)

    def ensure(self, users: int) -> None:
        """Make the rows of codes 0..users-1 exist."""
        self._users = max(self._users, users)
        for number, state in enumerate(self._states):
            state.ensure((self._users - number + len(self._states) - 1) // len(self._states))

    def apply(self, acts: Acts) -> None:
        """Apply acts, and what takes acts back, in array order, chunk by chunk."""
        cuts = np.zeros(0, np.int64) if acts.undos is None else np.flatnonzero(np.diff(acts.undos)) + 1
        for run in np.split(np.arange(len(acts)), cuts):
            for start in range(0, len(run), CHUNK_ACTS):
                piece = acts[run[start] : run[start : start + CHUNK_ACTS][-1] + 1]
                (self._undo if piece.undos is not None and piece.undos[0] else self._chunk)(piece)

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
        first, offsets = self._offset, self._places(count)
        refs = acts.kinds.astype(np.int64) << 60 | offsets
        grants, established, increments = np.zeros(count), np.zeros(count, np.uint8), np.zeros(count)
        for state, here in self._shares(acts.actors):
            mine, others = acts[here], acts.targets[here].astype(np.uint64)
            slots, keep = mine.actors // len(self._states), np.ones(len(here), np.uint8)
            priced = price(state, slots, others, mine.kinds, mine.at, offsets[here], keep, self.parameters)
            grants[here], established[here], increments[here] = priced
            if mine.keys is not None:
                marks = mine.kinds + ESTABLISHED * priced[1]
                log = self._logs[int(mine.actors[0]) % len(self._logs)]
                log.add(mine.keys, mine.at, priced[0], offsets[here], marks, mine.actors.astype(np.uint64), others)
        for state, here in self._shares(acts.targets):
            mine, others = acts[here], acts.actors[here].astype(np.uint64)
            slots, keep = mine.targets // len(self._states), np.ones(len(here), np.uint8)
            priced = (grants[here], established[here], increments[here])
            credit(state, slots, others, mine.kinds, mine.at, *priced, refs[here], first, keep, self.parameters)
        self.events += count
        self.newest = max(self.newest, float(acts.at.max()))

    def _places(self, count: int) -> Ints:
        """Return the offsets of so many engagements more."""
        self._offset += count
        return np.arange(self._offset - count, self._offset)

    def _undo(self, undos: Acts) -> None:
        """Take back what undos speak of, one after another."""
        for i, offset in enumerate(self._places(len(undos)).tolist()):
            actor, target, key = int(undos.actors[i]), int(undos.targets[i]), undos.keys
            at = float(undos.at[i])
            found = self._logs[actor % len(self._logs)].take(0 if key is None else int(key[i]), at, offset)
            if isinstance(found, Refusal):
                self.undone_again += found is Refusal.REPEATED
                self.unknown_undos += found is Refusal.UNKNOWN
                continue
            self._take_back(actor, target, found, offset)
            self.undone += 1
            self.newest = max(self.newest, at)

    def _take_back(self, actor: int, target: int, act: Any, offset: int) -> None:
        count, one = len(self._states), np.ones(1, np.uint8)
        state, slot, other = self._states[actor % count], np.array([actor // count]), np.array([target], np.uint64)
        at, mass = np.array([act["at"]]), np.array([act["mass"]])
        take_back(state, slot, other, at, mass, np.array([offset]), one.copy(), self.parameters)
        state, slot, other = self._states[target % count], np.array([target // count]), np.array([actor], np.uint64)
        kind, is_known = np.array([act["marks"] & KIND_MASK]), np.array([(act["marks"] & ESTABLISHED) // ESTABLISHED])
        ref = kind.astype(np.int64) << 60 | int(act["offset"])
        nothing, keep = np.zeros(1), one.copy()
        columns = (slot, other, kind, at, mass, is_known, nothing, ref, offset)
        credit(state, *columns, keep, self.parameters, undone=one)

    def _shares(self, users: Ints) -> list[tuple[UserState, Ints]]:
        partitions = users % len(self._states)
        shares = [(state, np.flatnonzero(partitions == number)) for number, state in enumerate(self._states)]
        return [(state, here) for state, here in shares if len(here)]
