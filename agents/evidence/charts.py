"""Charts as SVG that is the same, byte for byte, whenever it is drawn from the same figures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from agents.evidence.gaming import gain

COLOURS: Final = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#6a4c93")
OURS: Final = ("raw", "score", "momentum", "relationships", "reach")
SHADE: Final = "#e9f1f7"
STYLE: Final[Any] = {"svg.hashsalt": "renown", "svg.fonttype": "none", "font.size": 9.0, "axes.spines.top": False}
ROW_INCHES: Final = 0.26


def save(figure: Figure, path: Path) -> None:
    """Write the figure as SVG without dates, lines without spaces at their ends."""
    drawn = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))


def dots(
    names: Sequence[str], panels: Mapping[str, Mapping[str, Sequence[float | None]]], ours: Sequence[str] = ()
) -> Figure:
    """Return panels side by side: a line per name, a dot per series on it; the lines of `ours` are shaded."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.0 * len(panels) + 1.2, ROW_INCHES * len(names) + 1.1), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, (title, series) in zip(axes, panels.items(), strict=True):
            for at in (place for place, name in enumerate(names) if name in ours):
                panel.axhspan(at - 0.5, at + 0.5, color=SHADE, zorder=0)
            for (label, values), colour in zip(series.items(), COLOURS, strict=False):
                known = [(value, at) for at, value in enumerate(values) if value is not None]
                panel.plot(*zip(*known, strict=True), "o", color=colour, label=label, markersize=5, alpha=0.9)
            panel.set_title(title)
            panel.grid(axis="x", color="#dddddd")
        axes[0].set_yticks(range(len(names)), names)
        axes[0].invert_yaxis()
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return figure


def prediction(document: Mapping[str, Any], outcome: str) -> Figure:
    """Return an evaluation's means: a line per score, a panel per metric, a dot per horizon."""
    cells = {
        (cell["horizon"], cell["score"], cell["metric"]): cell["mean"]
        for cell in document["cells"]
        if cell["outcome"] == outcome
    }
    names = list(document["scores"])
    panels = {
        title: {
            f"{horizon} ahead": [cells.get((horizon, n, metric)) for n in names] for horizon in document["horizons"]
        }
        for metric, title in document["metrics"].items()
    }
    return dots(names, panels, ours=OURS)


def attacks(outcomes: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the points gained by every attack at its greatest size: a dot per measure, a panel per beneficiary."""
    greatest = max(one["size"] for one in outcomes)
    names = list(dict.fromkeys(one["attack"] for one in outcomes))
    panels: dict[str, dict[str, list[float | None]]] = {}
    for standing in dict.fromkeys(one["for"] for one in outcomes):
        here = {one["attack"]: one for one in outcomes if one["for"] == standing and one["size"] == greatest}
        series = {measure: [gain(here[name], measure) for name in names] for measure in outcomes[0]["moved"]}
        panels[f"points gained, {standing} scorer"] = dict(series)
    return dots(names, panels)


def pauses(document: Mapping[str, Any]) -> Figure:
    """Return the mean points lost by those from 50 up whom nobody engages with any more."""
    rests = document["rests"]
    series = {name: [one[name]["mean"] for one in rests] for name in ("shown", "target")}
    return dots([f"{one['days']} d" for one in rests], {"mean points after a pause": series})
