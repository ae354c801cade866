"""Alerts and recording rules: they ask for what is exported, are tried both ways, and lead to a runbook entry."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agents.cli.main import COMMANDS
from agents.operations.catalogue import declared
from streams.settings import PREFIX, Settings
from tests.operations.alert_cases import CASES, WELL
from tests.operations.promql import faults, selectors
from tests.operations.rule_files import ALERTS, PROJECT, RECORDED

RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text()
SECTIONS = {part.splitlines()[0]: part for part in re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]}
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


@pytest.mark.parametrize("query", [*RECORDED.values(), *(alert["expr"] for alert in ALERTS)])
def test_rules_ask_for_what_is_exported(query: str) -> None:
    """A misspelt metric makes an alert that can never fire."""
    assert faults(query, set(RECORDED)) == []


def test_a_query_for_what_nobody_exports_is_found() -> None:
    """What looks over the rules must see the three ways of being wrong."""
    assert faults("rate(renown_engagement_total[5m])", set()) == ["renown_engagement_total is in no catalogue"]
    assert faults('renown_refused_total{cause="poison"}', set()) == ["renown_refused_total has no label cause"]
    assert faults('sum(renown_refused_total{reason="poisson"})', set()) != []
    assert faults('renown_scoring_delay_seconds_bucket{le="5"} / 2', set()) != []
    assert faults("renown_barrier_seconds", set()) != []
    with pytest.raises(ValueError, match="parenthesis"):
        faults("sum(rate(", set())


@each_alert
def test_an_alert_tells_how_bad_it_is_and_where_to_read_on(alert: dict[str, Any]) -> None:
    """Whoever is woken must know what to do next."""
    name, notes = alert["alert"], alert["annotations"]
    assert re.fullmatch(r"Renown[A-Z]\w+", name)
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert notes["summary"]
    assert notes["description"]
    assert notes["runbook_url"] == f"docs/runbook.md#{name.lower()}"


@each_alert
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: dict[str, Any]) -> None:
    """`make operations` runs them; here it is seen to that there are any, and that they move what the alert reads."""
    (case,) = [case for case in CASES if case.alert == alert["alert"]]
    read = {selector.name for query in _resolved(alert["expr"]) for selector in selectors(query)}
    for deviations in (case.fires, case.quiet):
        assert {series.partition("{")[0] for series in deviations} & read
    assert case.alert not in case.beside_quiet


def _resolved(query: str) -> list[str]:
    """Return the query and those behind the recorded series that it asks for."""
    return [query, *(RECORDED[each.name] for each in selectors(query) if each.name in RECORDED)]


def test_cases_tell_of_series_that_exist() -> None:
    """A case over a misspelt series would prove nothing."""
    asked = {name for query in (*RECORDED.values(), *(alert["expr"] for alert in ALERTS)) for name in _names(query)}
    told = {series.partition("{")[0] for series in WELL}
    assert asked - set(RECORDED) <= told
    assert [series for series in WELL if faults(series, set())] == []


def _names(query: str) -> set[str]:
    return {selector.name for selector in selectors(query)}


def test_every_alert_has_a_runbook_entry_and_every_entry_an_alert() -> None:
    """An alert without an entry wakes somebody for nothing; an entry without an alert rots."""
    assert set(SECTIONS) == {alert["alert"] for alert in ALERTS}
    for name, text in SECTIONS.items():
        assert re.findall(r"^\*\*(\w+)\*\* ", text, re.MULTILINE) == ["Means", "Look", "Do"], name


def test_the_runbook_names_what_is_there() -> None:
    """Commands, settings, metrics, and other entries."""
    assert set(re.findall(r"`renown ([a-z]+)", RUNBOOK)) | set(
        re.findall(r"^renown ([a-z]+)", RUNBOOK, re.MULTILINE)
    ) <= set(COMMANDS)
    settings = {PREFIX + name.upper() for name in Settings.__dataclass_fields__}
    assert set(re.findall(r"RENOWN_[A-Z_]+", RUNBOOK)) <= settings
    assert set(re.findall(r"`(renown_[a-z_]+)`", RUNBOOK)) <= set(declared())
    assert {anchor.lower() for anchor in re.findall(r"\]\(#(\w+)\)", RUNBOOK)} <= {name.lower() for name in SECTIONS}
