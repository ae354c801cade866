"""Scoring a file offline: the same kernels as the live stages, without Kafka.

Self engagements are refused, repeats of an act (same actor and id) dropped, broken records counted by
reason. Acts go through an actor stage and a target stage in chunks; the interleaving of actors does not
matter, so the masses are those of any live pipeline, however partitioned, to rounding.

The calibration is computed exactly once, from everybody at the as-of instant. A pipeline that shows a user
for the first time shows the target itself (the provisional week), and so does a replay: `score` is the
target score. Hourly maps and daily limits of the shown score have no part here: `agents/epochs.py` replays those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.offline import BothStages
from agents.recorded import Admission, Block
from schemas.calibration import CalibrationMap
from schemas.reasons import Reason
from streams.model.calibration import calibrate, percentile, score_of
from streams.model.parameters import Parameters
from streams.model.scoring import Reading, read

__all__ = ["Block", "Replayed", "replay"]
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
    undone: int  # acts taken back


def replay(
    blocks: Iterable[Block], parameters: Parameters, *, as_of: float | None = None, partitions: int = 1
) -> Replayed:
    """Return everybody's scores at `as_of` (seconds; default: the newest act) after all acts up to then."""
    run = _Replay(parameters, np.inf if as_of is None else as_of, partitions)
    for block in blocks:
        run.take(block)
    return run.finished(as_of)


class _Replay:
    """One replay on its way: what was admitted, the state it left, and what came after the as-of instant."""

    def __init__(self, parameters: Parameters, until: float, partitions: int) -> None:
        self._parameters, self._until = parameters, until
        self._admission = Admission()
        self._stages = BothStages(parameters, partitions=partitions)
        self._later = 0

    def take(self, block: Block) -> None:
        """Apply one block of a reader."""
        for acts in self._admission.admitted(block):
            due = acts.at <= self._until
            self._later += len(acts) - int(due.sum())
            self._stages.ensure(len(self._admission.codes))
            self._stages.apply(acts[due])

    def finished(self, as_of: float | None) -> Replayed:
        """Return the scores of everybody."""
        stages, admission = self._stages, self._admission
        at = as_of if as_of is not None else (stages.newest if stages.events else 0.0)
        rows = stages.rows()
        reading = read(rows, at, self._parameters)
        fitted = calibrate(reading, self._parameters, epoch=0, as_of=at)
        return Replayed(
            users=list(admission.codes),
            rows=rows,
            reading=reading,
            score=score_of(reading.raw, fitted.influence, self._parameters),
            relationships=score_of(reading.relationships, fitted.relationships, self._parameters),
            percentile=100.0 * percentile(reading.raw, fitted.influence),
            calibration=fitted,
            as_of=at,
            events=stages.events,
            repeats=admission.repeats + stages.undone_again,
            later=self._later,
            refused=admission.refused + Counter({Reason.UNDO_UNKNOWN: stages.unknown_undos}),
            undone=stages.undone,
        )
