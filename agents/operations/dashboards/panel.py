"""What a panel shows; its unit and its explanation come from the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agents.operations.catalogue import declared
from streams.declaration import Declaration, Kind, Unit

_NAME: Final = re.compile(r"\brenown_[a-z_]+")
_SUFFIX: Final = re.compile(r"_(bucket|sum|count)$")
_RATE: Final = re.compile(r"\b(?:rate|increase)\(")
_UNITS: Final = {
    Unit.SECONDS: "s",
    Unit.RATIO: "percentunit",
    Unit.TRUTH: "none",
    Unit.VERSION: "none",
    Unit.POINTS: "suffix: points",
}
PER_SECOND: Final = "suffix:/s"
NUMBER: Final = "short"


class Shape(StrEnum):
    """How a panel draws."""

    LINES = "lines"
    STACK = "stack"
    NUMBER = "number"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and what its lines are called: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, `width` of 24 columns wide; `red_above` or `red_below` colour a number."""

    title: str
    shape: Shape
    queries: tuple[Query, ...]
    width: int = 8
    unit: str = ""
    red_above: float | None = None
    red_below: float | None = None
    note: str = ""

    @property
    def declarations(self) -> list[Declaration]:
        """Return what the queries read, in their order."""
        known, found = declared(), dict[str, Declaration]()
        for name in (name for query in self.queries for name in _NAME.findall(query.expr)):
            declaration = known.get(name) or known[_SUFFIX.sub("", name)]
            found[declaration.exported] = declaration
        return list(found.values())

    @property
    def description(self) -> str:
        """Return the panel's note, then meaning and remedy of each metric shown."""
        metrics = [f"**{d.exported}**: {d.meaning}. *{d.remedy}*" for d in self.declarations]
        return "\n\n".join(filter(None, [self.note, *metrics]))

    @property
    def shown_unit(self) -> str:
        """Return Grafana's name of the unit, the panel's own or that of the first metric."""
        if self.unit:
            return self.unit
        first, rates = self.declarations[0], _RATE.search(self.queries[0].expr) is not None
        if first.kind is Kind.COUNTER and rates:
            return PER_SECOND
        return _UNITS.get(first.unit, NUMBER)


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `uid` is its file's name and part of its address."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> list[Panel]:
        """Return the panels of all rows."""
        return [panel for row in self.rows for panel in row.panels]


def lines(title: str, *queries: tuple[str, str], unit: str = "", width: int = 8) -> Panel:
    """Return a panel of lines over time."""
    return Panel(title, Shape.LINES, tuple(Query(*each) for each in queries), width, unit)


def stack(title: str, *queries: tuple[str, str], unit: str = "", width: int = 8) -> Panel:
    """Return a panel of areas over time that add up."""
    return Panel(title, Shape.STACK, tuple(Query(*each) for each in queries), width, unit)


def bars(title: str, *queries: tuple[str, str], unit: str = "", width: int = 8) -> Panel:
    """Return a panel with one bar for each series, as it is now."""
    return Panel(title, Shape.BARS, tuple(Query(*each) for each in queries), width, unit)


def objective(title: str, name: str, allowed: str) -> Panel:
    """Return a panel of an objective's recorded error ratios; `allowed` is what the objective is."""
    queries = tuple(Query(f"renown:{name}:error_ratio_{window}", f"last {window}") for window in ("5m", "1h", "6h"))
    note = f"{allowed}. The runbook's objectives say what to do when it burns too fast."
    return Panel(title, Shape.LINES, queries, 8, "percentunit", note=note)


def number(
    title: str, expr: str, *, unit: str = "", red_above: float | None = None, red_below: float | None = None
) -> Panel:
    """Return a panel of one number and its course."""
    return Panel(title, Shape.NUMBER, (Query(expr, ""),), 4, unit, red_above, red_below)
