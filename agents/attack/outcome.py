"""From two readings of a stream, without and with an attack, to what the attack did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.attack.measures import Measured


@dataclass(frozen=True, slots=True)
class Moved:
    """What one measure made of the attack: the beneficiary before and after, and honest people's moves."""

    score: tuple[float, float]
    value: tuple[float, float]
    rank: tuple[int, int]  # among honest people, 1 = first
    price_per_point: float | None  # None = no point gained
    honest: int  # people scored before or after, the beneficiary left out
    moved_p99: float  # of the absolute changes of their scores
    moved_max: float
    losers: int  # who lost more than one point
    mean_change: float  # of honest people whom the attack acted upon; 0 without any

    @property
    def gain(self) -> float:
        """Points gained."""
        return self.score[1] - self.score[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack by one beneficiary, under every measure."""

    scenario: str
    size: int
    beneficiary: str
    standing: str  # low or middle
    injected: int
    paid: int  # acts delivered to the beneficiary; the beneficiary's own, where these are the attack
    price: float
    moved: dict[str, Moved]

    def as_json(self) -> dict[str, Any]:
        """Return plain builtins."""
        return asdict(self)


def rank_of(values: npt.NDArray[np.float64], user: int) -> int:
    """Return 1 + how many have more."""
    return 1 + int((values > values[user]).sum())


def moved(before: Measured, after: Measured, user: int, touched: npt.NDArray[np.int64], price: float) -> Moved:
    """Return what changed for the first `len(before.values)` users, who are the honest ones."""
    people = len(before.values)
    values, scores = after.values[:people], after.scores[:people]
    change = scores - before.scores
    others = (before.scores > 1) | (scores > 1)
    others[user] = False
    size = np.abs(change[others])
    gain = float(change[user])
    acted_upon = touched[touched != user]
    return Moved(
        score=(float(before.scores[user]), float(scores[user])),
        value=(float(before.values[user]), float(values[user])),
        rank=(rank_of(before.values, user), rank_of(values, user)),
        price_per_point=price / gain if gain > 0 else None,
        honest=int(others.sum()),
        moved_p99=float(np.quantile(size, 0.99)) if len(size) else 0.0,
        moved_max=float(size.max(initial=0.0)),
        losers=int((change[others] < -1.0).sum()),
        mean_change=float(change[acted_upon].mean()) if len(acted_upon) else 0.0,
    )
