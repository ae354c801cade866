"""Every score at a cut: the product's own columns, then the baselines, all from the acts up to the cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from agents.epochs import Epochs, Moment
from agents.evidence.baselines import BASELINES, Past
from agents.evidence.outcomes import until
from agents.recorded import Acts
from streams.model.parameters import Parameters

Floats = npt.NDArray[np.float64]
PRODUCT: Final = "raw"
OWN: Final[dict[str, tuple[str, Callable[[Moment], Floats]]]] = {
    PRODUCT: ("the product: influence mass, which ranks leaderboards", lambda moment: moment.reading.raw),
    "score": ("the shown score, with hourly maps and daily limits", lambda moment: moment.shown),
    "momentum": ("mass of the last hours", lambda moment: moment.reading.momentum),
    "relationships": ("what is mutual", lambda moment: moment.reading.relationships),
    "reach": ("different people of about a month", lambda moment: moment.reading.reach),
}
MEANINGS: Final = {name: meaning for name, (meaning, _) in (OWN | BASELINES).items()}


def scores_at(epochs: Epochs, acts: Acts, users: int, at: float, parameters: Parameters) -> dict[str, Floats]:
    """Return every score of everybody at a cut, the product's columns first, by user code."""
    moment = epochs.until(at)
    past = Past(until(acts, at), users, at, parameters)
    own = {name: column(moment).copy() for name, (_, column) in OWN.items()}
    return own | {name: baseline(past) for name, (_, baseline) in BASELINES.items()}
