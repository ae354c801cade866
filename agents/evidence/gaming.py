"""The attacks of a dossier as rows of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agents.evidence.tables import MISSING, Rows, points

Reading = Callable[[Mapping[str, Any], str], float]
NOTICED: Final = 1.0
"""Points; attacks that differ by less are alike."""


def attacks(outcomes: Sequence[Mapping[str, Any]]) -> Rows:
    """Return a row per attack, size and beneficiary: the score before and after, and each rival's gain."""
    measures = list(outcomes[0]["moved"])
    rows = [
        (
            one["attack"],
            f"{one['size']:,}",
            one["for"],
            f"{one['paid']:,}",
            f"{own['before']:.1f} > {own['after']:.1f}",
            *(points(gain(one, name)) for name in measures),
            MISSING if own["a_point"] is None else f"{own['a_point']:.3f}",
            f"{own['losers']:,}",
        )
        for one, own in ((one, one["moved"][measures[0]]) for one in outcomes)
    ]
    columns = ("", "size", "for", "acts paid", "score", *measures, "a point", "losers")
    return Rows("points gained", columns, rows)


def reached(outcomes: Sequence[Mapping[str, Any]], size: int) -> Rows:
    """Return under every measure the score that an attack of this size reached, mean over beneficiaries; least bold."""
    here = [one for one in outcomes if one["size"] == size]
    measures = list(outcomes[0]["moved"])
    names = list(dict.fromkeys(one["attack"] for one in here))
    before = ("before any", *(f"{_mean(here, name, 'before'):.1f}" for name in measures))
    rows = [before]
    for attack in names:
        after = [_mean([one for one in here if one["attack"] == attack], name, "after") for name in measures]
        rows.append((attack, *(f"**{each:.1f}**" if each < min(after) + 0.05 else f"{each:.1f}" for each in after)))
    return Rows(f"score reached by {size:,}", ("", *measures), rows)


def _mean(outcomes: Sequence[Mapping[str, Any]], measure: str, when: str) -> float:
    return float(sum(one["moved"][measure][when] for one in outcomes)) / len(outcomes)


def gain(one: Mapping[str, Any], measure: str) -> float:
    """Return the points that an attack gained under a measure."""
    moved = one["moved"][measure]
    return float(moved["after"] - moved["before"])


def ended(one: Mapping[str, Any], measure: str) -> float:
    """Return the score that an attack reached under a measure."""
    return float(one["moved"][measure]["after"])


def tally(outcomes: Sequence[Mapping[str, Any]]) -> Rows:
    """Return for each rival in how many attacks the product did better, alike and worse, twice: by two readings."""
    own, *rivals = outcomes[0]["moved"]
    rows = []
    for rival in rivals:
        counts = (
            f"{better}, {worse}" for better, worse in (compared(outcomes, rival, own, by) for by in (ended, gain))
        )
        lost = [one["attack"] for one in outcomes if ended(one, rival) - ended(one, own) < -NOTICED]
        rows.append((rival, *counts, ", ".join(sorted(set(lost))) or "nowhere"))
    columns = ("", "ended lower, higher", "gained less, more", "ended higher by")
    return Rows(f"of {len(outcomes)} attacks, those on the product that, compared with those on", columns, rows)


def compared(outcomes: Sequence[Mapping[str, Any]], rival: str, own: str, by: Reading) -> tuple[int, int]:
    """Return how many attacks did less for the beneficiary on `own` than on `rival`, and how many more."""
    saved = [by(one, rival) - by(one, own) for one in outcomes]
    return sum(each > NOTICED for each in saved), sum(each < -NOTICED for each in saved)
