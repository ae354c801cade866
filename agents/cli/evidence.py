"""`renown evidence`: everything that docs/evidence.md says, measured anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import click

from agents.attack.stream import collected
from agents.cli.evaluate import loaded, steps
from agents.cli.replay import blocks
from agents.evidence.dossier import dossier, steps_of, text_of
from agents.evidence.extras import require
from agents.evidence.page import page
from agents.evidence.sources import SOURCES, Source
from schemas.errors import BadSettingError

DOCUMENT = "evidence.json"
PAGE = "evidence.md"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--to", type=FOLDER, default="docs", show_default=True, help="Write evidence.json, .md and .svg there.")
@click.option("--render", is_flag=True, help="Measure nothing: draw page and charts from the evidence.json there.")
def evidence(folder: Path, to: Path, *, render: bool) -> None:
    """Measure prediction, gaming and stability on the recordings in FOLDER; write page, charts and figures.

    Takes some five minutes of CPU. Example: renown evidence datasets --to docs
    """
    require("igraph", "matplotlib")
    if not render:
        paths = [source.path(folder) for source in SOURCES.values()]
        if missing := [str(path) for path in paths if not path.is_file()]:
            raise BadSettingError("folder", str(folder), f"{', '.join(missing)} is missing; get it from its authors")
        documents = {name: _measured(source, folder) for name, source in SOURCES.items()}
        (to / DOCUMENT).write_text(text_of(documents))
    documents = json.loads((to / DOCUMENT).read_text())
    (to / PAGE).write_text(page(documents))
    for path in _drawn(documents, to):
        click.echo(f"written: {path}")


def _measured(source: Source, folder: Path) -> dict[str, Any]:
    path = str(source.path(folder))
    found, stream = loaded(path, source.form), collected(blocks(path, source.form, lambda _: None))
    with steps(Path(path).name, steps_of(source)) as advance:
        done = count(1)
        return dossier(source, found, stream, lambda: advance(next(done)))


def _drawn(documents: dict[str, Any], to: Path) -> Iterator[Path]:
    from agents.evidence import charts
    from agents.evidence.outcomes import ENGAGERS

    for name, found in documents.items():
        figures = {
            "prediction": charts.prediction(found["evaluate"], ENGAGERS),
            "attacks": charts.attacks(found["attack"]),
        }
        if found["stability"]["rests"]:
            figures["pauses"] = charts.pauses(found["stability"])
        for what, figure in figures.items():
            path = to / f"evidence-{name}-{what}.svg"
            charts.save(figure, path)
            yield path
