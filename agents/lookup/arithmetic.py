"""Shares that people can add up: rounded so that they make the whole exactly."""

from __future__ import annotations

from collections.abc import Mapping

PERMILLE = 1000


def percentages(masses: Mapping[str, float]) -> dict[str, float]:
    """Return each mass as percent of the sum, to one decimal; they add up to 100 exactly (or are all 0).

    >>> percentages({"a": 1.0, "b": 1.0, "c": 1.0})
    {'a': 33.4, 'b': 33.3, 'c': 33.3}
    """
    return apportioned(masses, 100.0)


def apportioned(masses: Mapping[str, float], whole: float) -> dict[str, float]:
    """Return the `whole` (a multiple of 0.1) shared out by mass, to one decimal, adding up to it exactly.

    The tenths left over by rounding down go to those that lost most by it. Without mass every share is 0.

    >>> apportioned({"like": 2.0, "share": 1.0}, 40.1)
    {'like': 26.7, 'share': 13.4}
    """
    total = sum(masses.values())
    if total <= 0:
        return dict.fromkeys(masses, 0.0)
    units = round(whole * 10)
    exact = {name: units * mass / total for name, mass in masses.items()}
    tenths = {name: int(share) for name, share in exact.items()}
    losers = sorted(exact, key=lambda name: tenths[name] - exact[name])
    for name in losers[: units - sum(tenths.values())]:
        tenths[name] += 1
    return {name: share / 10 for name, share in tenths.items()}
