"""Dashboards: made from the code, whole, and asking only for what is exported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.operations.catalogue import declared
from agents.operations.dashboards.files import DASHBOARDS, files
from agents.operations.dashboards.panel import Panel
from tests.operations.promql import faults, selectors
from tests.operations.rule_files import PROJECT, RECORDED

GRAFANA = PROJECT / "deploy" / "grafana"
PANELS = [pytest.param(panel, id=f"{each.uid}: {panel.title}") for each in DASHBOARDS for panel in each.panels]
EVERY_COLUMN = 24


def _queries(panel: Panel) -> list[str]:
    return [query.expr.replace("$__rate_interval", "1m") for query in panel.queries]


def test_the_files_are_what_the_code_makes() -> None:
    """`python -m agents.operations.dashboards deploy/grafana` writes them anew."""
    assert {path.name: path.read_text() for path in GRAFANA.glob("renown-*.json")} == files()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_is_exported_and_says_what_it_means(panel: Panel) -> None:
    """An empty panel looks like good news."""
    for query in _queries(panel):
        assert faults(query, set(RECORDED)) == []
    assert panel.description or "process_" in panel.queries[0].expr
    assert panel.shown_unit


def test_every_metric_is_on_a_dashboard() -> None:
    """What nobody looks at need not be measured."""
    shown = {d.exported for dashboard in DASHBOARDS for panel in dashboard.panels for d in panel.declarations}
    assert set(declared()) - shown == set()


def test_legends_name_labels_that_the_query_keeps() -> None:
    """A legend with a label that was summed away shows nothing."""
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                kept = query.expr.replace("{", " ").replace(",", " ").replace("(", " ").replace(")", " ").split()
                for label in query.legend.split("{{")[1:]:
                    name = label.partition("}}")[0]
                    own = {each.name for d in panel.declarations for each in d.labels} | {"instance", "job"}
                    assert name in kept if " by " in f" {query.expr}" else name in own, (panel.title, name)


@pytest.mark.parametrize("name", files())
def test_a_file_is_a_dashboard_whose_panels_lie_side_by_side(name: str) -> None:
    """Grafana takes overlapping panels and shows them one over the other."""
    document = json.loads(files()[name])
    assert document["uid"] == name.removesuffix(".json")
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        cells = _cells(panel["gridPos"])
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < EVERY_COLUMN
        taken |= cells
    variables = {each["name"]: each["type"] for each in document["templating"]["list"]}
    assert variables == {"datasource": "datasource"}
    assert {panel["datasource"]["uid"] for panel in document["panels"] if panel["type"] != "row"} == {"${datasource}"}


def _cells(place: dict[str, Any]) -> set[tuple[int, int]]:
    columns = range(place.get("x", 0), place.get("x", 0) + place["w"])
    return {(x, y) for x in columns for y in range(place.get("y", 0), place.get("y", 0) + place["h"])}


def test_no_query_asks_by_user() -> None:
    """Metrics hold nobody's name."""
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in _queries(panel):
                assert not {m.name for s in selectors(query) for m in s.matchers.matchers} & {"user", "actor", "target"}
