"""Replaying the shown score over time: hourly calibration and daily limits, as live workers apply them.

At every full hour of stream time (the newest act seen so far) the population is calibrated anew and every
shown score is brought to that instant; in between it moves towards the target of the hour. Live workers also
look in between: a score that rises within an hour may there be shown up to an hour earlier, never otherwise.
The first hour is the warm-up: its maps know only part of the population and begin nobody's first week.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.offline import BothStages
from agents.recorded import Acts
from schemas.calibration import CalibrationMap
from schemas.errors import BadSettingError
from streams.model.calibration import calibrate, score_of, weighed_at
from streams.model.parameters import HOUR_S, Parameters
from streams.model.scoring import Reading, read
from streams.model.shown import is_provisional, show

EPOCH_S: Final = HOUR_S
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """Everybody at one instant; columns by user code. `shown` and `target` are 1..100, 1 = unscored."""

    at: float
    reading: Reading
    target: Floats
    shown: Floats
    provisional: npt.NDArray[np.bool_]
    calibration: CalibrationMap


class Epochs:
    """A replay that is read on its way: `until` moves it on and tells what was shown then.

    Acts are taken in their order, so that late ones come late; all of a moment's scores rest on acts whose
    stream time is at most that moment's.
    """

    def __init__(self, acts: Acts, users: int, parameters: Parameters) -> None:
        self._acts, self._parameters = acts, parameters
        self._stages = BothStages(parameters, users)
        self._clock: Floats = np.maximum.accumulate(acts.at)
        self._applied = 0
        self._hour = float(self._clock[0] // EPOCH_S + 1) * EPOCH_S if len(acts) else np.inf
        self._map: CalibrationMap | None = None
        self._at = -np.inf

    def rows(self) -> npt.NDArray[Any]:
        """Return a view of everybody's row (dtype USER) as it is now."""
        return self._stages.rows()

    def until(self, at: float) -> Moment:
        """Return what is shown at `at`, which must not be earlier than the last one asked for."""
        if at < self._at:
            raise BadSettingError("until", at, f"a replay does not go back; ask for {self._at} or later")
        while self._hour <= at:
            self._apply(self._hour, side="left")
            self._map = self._calibrated(self._hour)
            self._brought(self._hour)
            self._hour += EPOCH_S
        self._apply(at, side="right")
        self._at = at
        return self._brought(at)

    def _apply(self, until: float, side: Any) -> None:
        end = int(np.searchsorted(self._clock, until, side=side))
        self._stages.apply(self._acts[self._applied : end])
        self._applied = max(self._applied, end)

    def _calibrated(self, at: float) -> CalibrationMap:
        reading = read(self.rows(), at, self._parameters)
        return calibrate(reading, self._parameters, epoch=int(at // EPOCH_S), as_of=at)

    def _brought(self, at: float) -> Moment:
        """Bring every shown score to `at` under the map in force; during warm-up that is one of now."""
        rows, p = self.rows(), self._parameters
        reading = read(rows, at, p, weighed_at=at if self._map is None else weighed_at(self._map, at))
        in_force = self._map if self._map is not None else calibrate(reading, p, epoch=0, as_of=at)
        target = score_of(reading.raw, in_force.influence, p)
        shown = show(rows, target, at, p, full=self._map is not None)
        provisional = is_provisional(rows, at, p) & (rows["shown"] > 0)
        return Moment(at, reading, target, shown, provisional, in_force)
