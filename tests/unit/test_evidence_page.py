"""docs/evidence.md says what docs/evidence.json says, and that is what the code measures today."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.attack.stream import collected
from agents.cli.evaluate import loaded
from agents.cli.replay import blocks
from agents.evidence.cuts import cuts, horizons
from agents.evidence.dossier import attacks, dossier, text_of
from agents.evidence.evaluation import Plan, evaluate
from agents.evidence.outcomes import ENGAGERS
from agents.evidence.page import page
from agents.evidence.sources import SOURCES
from streams.model.parameters import model_name, named
from tests import datasets

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "evidence.json").read_text()
DOCUMENTS = json.loads(TEXT)
PAGE = (DOCS / "evidence.md").read_text()
TOLERANCE = 0.002
"""Of correlations and shares; of points a hundredth of the scale they are on. Rounding stays far below."""


def drifted(said: Any, now: Any, place: str = "") -> list[str]:
    """Return where two documents differ by more than rounding."""
    if isinstance(said, dict) and isinstance(now, dict):
        found = [drifted(said.get(key), now.get(key), f"{place}/{key}") for key in {**said, **now}]
    elif isinstance(said, list) and isinstance(now, list) and len(said) == len(now):
        found = [drifted(one, other, f"{place}/{at}") for at, (one, other) in enumerate(zip(said, now, strict=True))]
    elif isinstance(said, int | float) and isinstance(now, int | float):
        close = math.isclose(said, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return [] if close else [f"{place}: {said} became {now}"]
    else:
        return [] if said == now else [f"{place}: {said} became {now}"]
    return [line for lines in found for line in lines]


def test_the_page_is_rendered_from_the_figures() -> None:
    """Nobody edits a figure by hand; `renown evidence FOLDER --render` writes the page anew."""
    assert page(DOCUMENTS) == PAGE
    assert text_of(DOCUMENTS) == TEXT


def test_every_chart_of_the_page_is_there_and_no_other() -> None:
    """A page with holes persuades nobody."""
    named_charts = set(re.findall(r"\]\(([\w-]+\.svg)\)", PAGE))
    assert named_charts == {path.name for path in DOCS.glob("evidence-*.svg")}
    assert len(named_charts) >= 5


def test_nobody_is_named() -> None:
    """The recordings are of people: aggregates only."""
    charts = "".join(path.read_text() for path in DOCS.glob("evidence-*.svg"))
    assert re.findall(r"\b(?:higgs|github):", TEXT + PAGE + charts) == []


def test_losses_are_on_the_page() -> None:
    """Every lost cell is listed where the summary is, in as many words."""
    for found in DOCUMENTS.values():
        for cell in found["evaluate"]["cells"]:
            error = cell["standard_error"]
            if len(cell["values"]) >= 6 and error is not None and cell["difference"] > 2.6 * error:
                title = found["evaluate"]["metrics"][cell["metric"]]
                assert f"{title} {cell['horizon']} {cell['difference']:+.3f}" in PAGE


def test_the_hour_of_github_is_measured_as_the_page_says() -> None:
    """Prediction, attacks and stability of the shipped recording, all anew."""
    source = SOURCES["github"]
    path = str(source.path(Path()))
    found, stream = loaded(path, source.form), collected(blocks(path, source.form, lambda _: None))
    assert drifted(DOCUMENTS["github"], json.loads(text_of(dossier(source, found, stream)))) == []


def test_a_cut_and_an_attack_of_the_higgs_week_are_measured_as_the_page_says() -> None:
    """A fast part of the large recording, where it is at hand: the first cut by every score, an attack of size 100."""
    source, path = SOURCES["higgs"], str(datasets.higgs())
    found, parameters = loaded(path, source.form), named(source.profile)
    at, ahead = found.acts.at, horizons("6h")
    first = cuts(source.cuts, float(at.min()), float(at.max()), ahead)[:1]
    now = evaluate(found, Plan(first, ahead, parameters, model_name(source.profile, parameters)))
    values = {_key(cell): cell["values"][0] for cell in now["cells"] if cell["outcome"] == ENGAGERS}
    said = DOCUMENTS["higgs"]["evaluate"]
    assert now["model"] == said["model"]
    cells = {_key(cell): cell["values"][0] for cell in said["cells"] if cell["horizon"] == "6h"}
    assert drifted(cells, values) == []
    stream = collected(blocks(path, source.form, lambda _: None))
    again = list(attacks(replace(source, sizes=(100,)), stream, ["fresh-bots"]))
    told = [one for one in DOCUMENTS["higgs"]["attack"] if (one["attack"], one["size"]) == ("fresh-bots", 100)]
    assert len(told) == 2
    assert drifted(told, json.loads(json.dumps(again))) == []


def _key(cell: dict[str, Any]) -> str:
    return f"{cell['horizon']} {cell['score']} {cell['metric']}"


@pytest.mark.parametrize(("said", "now"), [({"a": 1.0}, {"a": 1.01}), ({"a": [1]}, {"a": [1, 2]}), ({"a": 1}, {})])
def test_drift_is_noticed(said: Any, now: Any) -> None:
    """The comparison itself must be able to fail."""
    assert len(drifted(said, now)) == 1
    assert drifted(said, said) == []
