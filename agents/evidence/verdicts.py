"""Who won: each score against the product's `raw`, over all horizons and metrics, losses named one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agents.evidence.tables import Rows

BOUND_ERRORS: Final = 2.6
"""Standard errors that a mean of six paired differences must be away from 0: Student's 5 % bound."""
LEAST_CUTS: Final = 6


def verdict(cell: Mapping[str, Any]) -> str:
    """Return how the product fared in a cell: won, lost, or even where the cuts do not tell; `-` for too few cuts.

    >>> verdict({"difference": 0.1, "standard_error": 0.01, "values": [0.0] * 6})
    'lost'
    """
    if len(cell["values"]) < LEAST_CUTS or cell["difference"] is None:
        return "-"
    if abs(cell["difference"]) <= BOUND_ERRORS * cell["standard_error"]:
        return "even"
    return "lost" if cell["difference"] > 0 else "won"


def verdicts(document: Mapping[str, Any]) -> Rows:
    """Return a row per score: how often the product won, was even and lost against it, and where it lost."""
    rows = []
    for score in document["scores"]:
        cells = [cell for cell in document["cells"] if cell["score"] == score and score != document["product"]]
        found = [verdict(cell) for cell in cells]
        lost = [
            f"{document['metrics'][cell['metric']]} {cell['horizon']} {cell['difference']:+.3f}"
            for cell, how in zip(cells, found, strict=True)
            if how == "lost"
        ]
        if cells:
            counts = (str(found.count(how)) for how in ("won", "even", "lost"))
            rows.append((score, *counts, "; ".join(lost) or "nowhere"))
    return Rows("`raw` against", ("", "won", "even", "lost", "lost where, by how much"), rows)
