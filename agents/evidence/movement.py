"""How much scores move from one day to the next, and how much of a leaderboard stays: read from a replay by epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.epochs import Moment
from agents.evidence.ranking import first, overlap
from schemas.instants import rfc3339

Floats = npt.NDArray[np.float64]
PERSISTENCE: Final = 0.98
LEADERS: Final = 200
"""Ranks compared; at persistence .98 they carry 98 % of the overlap's weight."""
HIGH: Final = 50.0
DIGITS: Final = 4
COLUMNS: Final[dict[str, Callable[[Moment], Floats]]] = {
    "shown": lambda moment: moment.shown,
    "target": lambda moment: moment.target,
}


@dataclass(frozen=True, slots=True)
class Day:
    """Everybody's scores at one instant, 1..100; `provisional` says who may still be lifted at once."""

    at: float
    columns: dict[str, Floats]
    provisional: npt.NDArray[np.bool_]


def kept(moment: Moment) -> Day:
    """Return a copy of what is compared: the replay goes on writing into its own columns."""
    columns = {name: column(moment).copy() for name, column in COLUMNS.items()}
    return Day(moment.at, columns, moment.provisional.copy())


def changes(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the points gained by those scored (above 1) at both instants, and by those of them from HIGH up."""
    both = (before > 1) & (after > 1)
    return after[both] - before[both], after[both & (before >= HIGH)] - before[both & (before >= HIGH)]


def spread(change: Floats) -> dict[str, Any]:
    """Return how many changes there are, their P1, P99, least and greatest in points; None where there are none.

    >>> spread(np.array([-2.0, 0.0, 1.0]))["max"], spread(np.zeros(0))["min"]
    (1.0, None)
    """
    if not len(change):
        return {"people": 0, "p1": None, "p99": None, "min": None, "max": None}
    low, high = np.quantile(change, (0.01, 0.99))
    found = {"p1": low, "p99": high, "min": change.min(), "max": change.max()}
    return {"people": len(change), **{name: round(float(value), DIGITS) for name, value in found.items()}}


def movement(days: Sequence[Day]) -> dict[str, Any]:
    """Return the changes over all pairs of neighbouring days, pooled, of both columns: everybody's and from HIGH up."""
    found = {}
    for name in COLUMNS:
        pairs = [changes(one.columns[name], other.columns[name]) for one, other in pairwise(days)]
        none = np.zeros(0)
        pooled = (np.concatenate([none, *(pair[which] for pair in pairs)]) for which in (0, 1))
        found[name] = dict(zip(("everybody", "high"), map(spread, pooled), strict=True))
    return found


def day_on_day(days: Sequence[Day]) -> list[dict[str, Any]]:
    """Return for every day but the first the leaderboards' rank-biased overlap with the day before, 0..1."""
    return [
        {
            "at": rfc3339(round(other.at * 1000)),
            "scored": int((other.columns["shown"] > 1).sum()),
            "provisional": round(float(other.provisional[other.columns["shown"] > 1].mean()), DIGITS),
            "overlap": {name: _kept(one.columns[name], other.columns[name]) for name in COLUMNS},
        }
        for one, other in pairwise(days)
    ]


def _kept(one: Floats, other: Floats) -> float:
    depth = min(LEADERS, int((one > 1).sum()), int((other > 1).sum()))
    return round(overlap(first(one, depth), first(other, depth), PERSISTENCE), DIGITS)
