"""The documents of evaluation and stability as rows of text, for terminals and pages alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

MISSING = "-"


class Rows(NamedTuple):
    """A titled table; every row has as many cells as `columns`, the first is a name."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def number(value: float | None, digits: int = 3) -> str:
    """Return a share or correlation as text.

    >>> number(0.8155), number(None)
    ('0.816', '-')
    """
    return MISSING if value is None else f"{value:.{digits}f}"


def points(value: float | None) -> str:
    """Return points with sign and one decimal.

    >>> points(-2.04), points(0.0)
    ('-2.0', '+0.0')
    """
    return MISSING if value is None else f"{value:+.1f}"


def against(cell: Mapping[str, Any]) -> str:
    """Return a cell's mean and its difference to the product with its standard error.

    >>> against({"mean": 0.788, "difference": 0.102, "standard_error": 0.016})
    '0.788 (+0.102 ± 0.016)'
    """
    if cell["difference"] is None:
        return number(cell["mean"])
    error = "" if cell["standard_error"] is None else f" ± {cell['standard_error']:.3f}"
    return f"{number(cell['mean'])} ({cell['difference']:+.3f}{error})"


def prediction(document: Mapping[str, Any], horizon: str, outcome: str) -> Rows:
    """Return a row per score, a column per metric; the product's row has no differences."""
    cells = {
        (cell["score"], cell["metric"]): cell
        for cell in document["cells"]
        if cell["horizon"] == horizon and cell["outcome"] == outcome
    }
    shown: Callable[[str, Mapping[str, Any]], str] = lambda score, cell: (  # noqa: E731 - two words of one row
        number(cell["mean"]) if score == document["product"] else against(cell)
    )
    rows = [
        (score, *(shown(score, cells[score, metric]) for metric in document["metrics"]))
        for score in document["scores"]
        if (score, next(iter(document["metrics"]))) in cells
    ]
    count = max((len(cell["values"]) for cell in cells.values()), default=0)
    title = f"{horizon} ahead, {document['outcomes'][outcome]}, {count} cut{'' if count == 1 else 's'}"
    return Rows(title, ("", *document["metrics"].values()), rows)


def moves(document: Mapping[str, Any]) -> Rows:
    """Return what scores move in a day: both columns, everybody's and those from 50 up."""
    names = {"everybody": "everybody", "high": f"from {document['high']:.0f} up"}
    rows = [
        (f"{column}, {names[who]}", f"{one['people']:,}", *(points(one[key]) for key in ("p1", "p99", "min", "max")))
        for column, both in document["movement"].items()
        for who, one in both.items()
        if one["people"]
    ]
    return Rows("points a day", ("", "person-days", "P1", "P99", "most down", "most up"), rows)


def overlaps(document: Mapping[str, Any]) -> Rows:
    """Return day on day how much of the leaderboards stayed."""
    rows = [
        (
            day["at"],
            f"{day['scored']:,}",
            number(day["provisional"], 2),
            *(number(day["overlap"][name]) for name in ("shown", "target")),
        )
        for day in document["days"]
    ]
    title = f"rank-biased overlap with the day before, p = {document['persistence']}, first {document['leaders']}"
    return Rows(title, ("", "scored", "in first week", "by shown", "by target"), rows)


def pauses(document: Mapping[str, Any]) -> Rows:
    """Return what nobody's engaging costs those from 50 up."""
    named = [
        *(("everybody else stands still", one) for one in document["rests"]),
        *(("everybody else goes on", one) for one in document["stops"]),
    ]
    rows = [
        (
            f"{one['days']} d, {what}",
            f"{one['people']:,}",
            *(points(one[name][which]) for name in ("shown", "target") for which in ("mean", "worst")),
        )
        for what, one in named
    ]
    columns = ("", "people", "shown, mean", "shown, worst", "target, mean", "target, worst")
    return Rows("points lost in a pause, by people from 50 up", columns, rows)


def disorders(document: Mapping[str, Any]) -> Rows:
    """Return how far scores end from those of the input in order."""
    rows = [
        (
            f"{one['meaning']}: {name}",
            f"{100 * one[name]['noticed']:.2f} %",
            number(one[name]["p99"], 2),
            number(one[name]["max"], 2),
        )
        for one in document["disorder"].values()
        for name in ("shown", "target")
    ]
    return Rows("points off the scores of the input in order", ("", "off by > 0.5", "P99", "most"), rows)
