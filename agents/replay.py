"""Scoring a file offline: the same kernels as the live stages, without Kafka.

Self engagements are refused, repeats of an act (same actor and id) dropped, broken records counted by
reason. Acts go through an actor stage and a target stage in chunks; the interleaving of actors does not
matter, so the masses are those of any live pipeline, however partitioned, to rounding.

The calibration is computed exactly once, from everybody at the as-of instant. A pipeline that shows a user
for the first time shows the target itself (the provisional week), and so does a replay: `score` is the
target score. Hourly maps and daily limits of the shown score have no part here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.ingest.formats.columns import Columns
from schemas.calibration import CalibrationMap
from schemas.engagement import Act
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from streams.model.actor import price
from streams.model.calibration import calibrate, percentile, score_of
from streams.model.parameters import Parameters
from streams.model.scoring import Reading, read
from streams.model.state import UserState
from streams.model.target import credit

CHUNK_ACTS: Final = 50_000
Block = Columns | list[Act | BadRecordError]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Scores of everybody who acted or was acted upon; all columns in the order of `users`.

    `score` and `relationships` are 1..100, `percentile` 0..100; `rows` has dtype USER.
    """

    users: list[bytes]
    rows: npt.NDArray[Any]
    reading: Reading
    score: Floats
    relationships: Floats
    percentile: Floats
    calibration: CalibrationMap
    as_of: float
    events: int  # acts applied
    repeats: int  # told again, not applied
    later: int  # after the as-of instant, not applied
    refused: Counter[Reason]


def replay(
    blocks: Iterable[Block], parameters: Parameters, *, as_of: float | None = None, partitions: int = 1
) -> Replayed:
    """Return everybody's scores at `as_of` (seconds; default: the newest act) after all acts up to then."""
    run = _Replay(parameters, np.inf if as_of is None else as_of, partitions)
    for block in blocks:
        run.take(block)
    return run.finished(as_of)


class _Replay:
    """The state of one replay: user ids as codes; code c lives on partition c % n as row c // n."""

    def __init__(self, parameters: Parameters, until: float, partitions: int) -> None:
        self._parameters, self._until = parameters, until
        self._states = [UserState() for _ in range(partitions)]
        self._codes: dict[bytes, int] = {}
        self._seen: set[tuple[int, bytes]] = set()
        self._newest = -np.inf
        self._events = self._repeats = self._later = 0
        self._refused: Counter[Reason] = Counter()

    def take(self, block: Block) -> None:
        """Apply one block of a reader."""
        if isinstance(block, Columns):
            self._refused.update(each.error.reason for each in block.refused)
            self._repeats += block.duplicates
            codes = self._coded(block.users)
            self._apply(codes[block.actors], codes[block.targets], block.kinds, block.at_ms)
        else:
            for start in range(0, len(block), CHUNK_ACTS):
                self._take_acts(self._admitted(block[start : start + CHUNK_ACTS]))

    def _coded(self, users: Iterable[bytes]) -> Ints:
        codes = self._codes
        return np.array([codes.setdefault(user, len(codes)) for user in users], np.int64)

    def _admitted(self, block: list[Act | BadRecordError]) -> list[Act]:
        acts: list[Act] = []
        for outcome in block:
            if isinstance(outcome, BadRecordError):
                self._refused[outcome.reason] += 1
            elif outcome.undo:
                self._refused[Reason.UNDO_UNAVAILABLE] += 1
            else:
                acts.append(outcome)
        return acts

    def _take_acts(self, acts: list[Act]) -> None:
        both = self._coded(user for act in acts for user in (act.actor, act.target))
        actors, targets = both[::2], both[1::2]
        fresh = np.zeros(len(acts), np.bool_)
        for place, (actor, act) in enumerate(zip(actors.tolist(), acts, strict=True)):
            fresh[place] = (actor, act.id) not in self._seen
            self._seen.add((actor, act.id))
        self._repeats += len(acts) - int(fresh.sum())
        kinds = np.array([act.kind for act in acts], np.uint8)
        at_ms = np.array([act.occurred_at_ms for act in acts], np.int64)
        self._apply(actors[fresh], targets[fresh], kinds[fresh], at_ms[fresh])

    def _apply(self, actors: Ints, targets: Ints, kinds: npt.NDArray[np.uint8], at_ms: Ints) -> None:
        at = at_ms / 1000.0
        due = at <= self._until
        self._later += len(at) - int(due.sum())
        for number, state in enumerate(self._states):
            state.ensure((len(self._codes) - number + len(self._states) - 1) // len(self._states))
        for start in range(0, len(at), CHUNK_ACTS):
            chosen = start + np.flatnonzero(due[start : start + CHUNK_ACTS])
            if len(chosen):
                self._stages(actors[chosen], targets[chosen], kinds[chosen], at[chosen])

    def _stages(self, actors: Ints, targets: Ints, kinds: npt.NDArray[np.uint8], at: Floats) -> None:
        """Run one chunk through both stages, each partition's share on its own state."""
        count = len(at)
        offsets = np.arange(self._events, self._events + count)
        refs = kinds.astype(np.int64) << 60 | offsets
        grants, established, increments = np.zeros(count), np.zeros(count, np.uint8), np.zeros(count)
        for state, here in self._shares(actors):
            slots, others = actors[here] // len(self._states), targets[here].astype(np.uint64)
            keep = np.ones(len(here), np.uint8)
            priced = price(state, slots, others, kinds[here], at[here], offsets[here], keep, self._parameters)
            grants[here], established[here], increments[here] = priced
        for state, here in self._shares(targets):
            slots, others = targets[here] // len(self._states), actors[here].astype(np.uint64)
            keep, priced = np.ones(len(here), np.uint8), (grants[here], established[here], increments[here])
            credit(
                state,
                slots,
                others,
                kinds[here],
                at[here],
                *priced,
                refs[here],
                self._events,
                keep,
                self._parameters,
            )
        self._events += count
        self._newest = max(self._newest, float(at.max()))

    def _shares(self, users: Ints) -> list[tuple[UserState, Ints]]:
        partitions = users % len(self._states)
        shares = [(state, np.flatnonzero(partitions == number)) for number, state in enumerate(self._states)]
        return [(state, here) for state, here in shares if len(here)]

    def finished(self, as_of: float | None) -> Replayed:
        """Return the scores of everybody."""
        at = as_of if as_of is not None else (self._newest if self._events else 0.0)
        rows = np.empty(len(self._codes), self._states[0].rows.dtype)
        for number, state in enumerate(self._states):
            rows[number :: len(self._states)] = state.live()
        reading = read(rows, at, self._parameters)
        fitted = calibrate(reading, self._parameters, epoch=0, as_of=at)
        return Replayed(
            users=list(self._codes),
            rows=rows,
            reading=reading,
            score=score_of(reading.raw, fitted.influence, self._parameters),
            relationships=score_of(reading.relationships, fitted.relationships, self._parameters),
            percentile=100.0 * percentile(reading.raw, fitted.influence),
            calibration=fitted,
            as_of=at,
            events=self._events,
            repeats=self._repeats,
            later=self._later,
            refused=self._refused,
        )
