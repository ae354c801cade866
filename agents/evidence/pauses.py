"""What a pause costs: nobody engages with somebody any more, for a day or for longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.epochs import Epochs, Moment
from agents.evidence.movement import COLUMNS, DIGITS, HIGH, Day
from agents.recorded import Acts
from streams.model.calibration import score_of
from streams.model.parameters import DAY_S, HOUR_S, Parameters
from streams.model.scoring import read
from streams.model.shown import moved

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
REST_DAYS: Final = (1, 3, 7, 14, 30)
SAMPLE: Final = 100
"""People who pause at once: enough for a mean, too few to move the calibration."""


def rests(rows: npt.NDArray[Any], last: Moment, parameters: Parameters) -> list[dict[str, Any]]:
    """Return what becomes of those shown at HIGH or above after the recording, if everybody else stood still.

    The map stays the last one; `rows` (dtype USER) are left as they are.
    """
    people = np.flatnonzero(last.shown >= HIGH)
    shown, target, found = last.shown[people], last.target[people], []
    for hour in range(1, REST_DAYS[-1] * 24 + 1) if len(people) else ():
        shown = moved(shown, target, HOUR_S, parameters)
        reading = read(rows[people], last.at + hour * HOUR_S, parameters)
        target = score_of(reading.raw, last.calibration.influence, parameters)
        if hour in {days * 24 for days in REST_DAYS}:
            change = {"shown": shown - last.shown[people], "target": target - last.target[people]}
            found.append({"days": hour // 24, "people": len(people), **_lost(change)})
    return found


def stopped(acts: Acts, users: int, parameters: Parameters, days: Sequence[Day], last: Moment, length: int) -> Any:
    """Return what a pause of the recording's last `length` days cost, while everybody else went on.

    A sample of those shown at HIGH or above when it began is replayed without what they received since. `acts`
    must be in order of time. None when the recording has not as many days before the pause as in it.
    """
    begin = next((day for day in days if day.at == last.at - length * DAY_S), None)
    if begin is None or begin.at - length * DAY_S < acts.at[0]:
        return None
    people = sample(np.flatnonzero(begin.columns["shown"] >= HIGH))
    if not len(people):
        return None
    missing = (acts.at > begin.at) & np.isin(acts.targets, people)
    without = Epochs(acts[~missing], users, parameters).until(last.at)
    change = {name: column(without)[people] - column(last)[people] for name, column in COLUMNS.items()}
    return {"days": length, "people": len(people), **_lost(change)}


def sample(people: Ints) -> Ints:
    """Return at most SAMPLE of `people`, evenly out of their order.

    >>> sample(np.arange(300)).tolist()[:3]
    [0, 3, 6]
    """
    places = np.linspace(0, len(people), min(SAMPLE, len(people)), endpoint=False)
    return people[places.astype(np.int64)]


def _lost(change: dict[str, Floats]) -> dict[str, dict[str, float]]:
    return {
        name: {"mean": round(float(points.mean()), DIGITS), "worst": round(float(points.min()), DIGITS)}
        for name, points in change.items()
    }
