"""The catalogue of metrics: whole, at zero from the start, in Prometheus' form, without a label per user."""

from __future__ import annotations

import re
from itertools import product

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.operations.catalogue import PARTS, SAMPLE_NAME, Part, declared
from schemas.reasons import Reason
from streams.declaration import BUILD, Declaration, Kind, Unit

OPEN_LABELS = {"source", "key", "partition", "version"}
"""Names that an operator gave or counted; each is bounded by what is deployed."""
LATE_LABELS = {"renown_http_turned_away_total"}
"""Its reasons are split between callers with and without a key, so not every combination exists."""
EVERY = [pytest.param(part, d, id=f"{part.job}:{d.exported}") for part in PARTS for d in (*part.declarations, BUILD)]


def _families(part: Part) -> dict[str, tuple[str, str, list[dict[str, str]], list[float]]]:
    found = {}
    for family in text_string_to_metric_families(generate_latest(part.at_start()).decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = [{k: v for k, v in sample.labels.items() if k != "le"} for sample in family.samples]
        found[name] = (family.type, family.documentation, labels, [sample.value for sample in family.samples])
    return found


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.job)
def test_what_a_part_exports_is_what_the_catalogue_says(part: Part) -> None:
    """A metric outside the catalogue has no meaning and no remedy that anybody could look up."""
    exported = {name for name in _families(part) if not name.startswith("process_")}
    assert exported == {d.exported for d in (*part.declarations, BUILD)}


@pytest.mark.parametrize(("part", "d"), EVERY)
def test_every_series_is_there_at_zero_before_anything_happened(part: Part, d: Declaration) -> None:
    """An alert on a rate needs the series before the first refusal."""
    kind, text, labels, values = _families(part)[d.exported]
    assert (kind, text) == (d.kind.value, d.help)
    if d is not BUILD:
        assert set(values) == {0.0}
    if d.exported not in LATE_LABELS:
        known = [[(each.name, value) for value in each.values or ("*",)] for each in d.labels]
        wanted = {frozenset(combination) for combination in product(*known)}
        opened = {each.name for each in d.labels if not each.values}
        assert {frozenset((k, "*" if k in opened else v) for k, v in found.items()) for found in labels} >= wanted


@pytest.mark.parametrize(("part", "d"), EVERY)
def test_every_metric_has_a_prometheus_name_a_meaning_and_a_remedy(part: Part, d: Declaration) -> None:
    """A number that nobody knows what to do about is noise."""
    assert re.fullmatch(r"renown_[a-z]+(_[a-z]+)*", d.name)
    assert not d.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert (d.unit is Unit.SECONDS) == d.name.endswith("_seconds")
    assert (d.unit is Unit.RATIO) == d.name.endswith("_ratio")
    assert (d.kind is Kind.HISTOGRAM) == bool(d.buckets)
    assert len(d.meaning) > 10
    assert len(d.remedy) > 10
    for label in d.labels:
        assert bool(label.values) != bool(label.holds)
        assert label.values or label.name in OPEN_LABELS
    assert part.job.startswith("renown-")


def test_no_name_stands_for_two_things() -> None:
    """A sum over jobs would mix them."""
    names = [d.exported for part in PARTS for d in part.declarations]
    assert len(names) == len(set(names))
    assert set(declared()) == {*names, BUILD.exported}


def test_every_reason_is_a_series() -> None:
    """The set of reasons is closed; whoever adds one gets its series without asking."""
    worker = next(part for part in PARTS if part.job == "renown-worker")
    assert {labels["reason"] for labels in _families(worker)["renown_refused_total"][2]} == {r.value for r in Reason}


def test_a_caller_s_text_never_becomes_a_label_value() -> None:
    """Open labels hold what the operator named."""
    for part in PARTS:
        for _, _, labels, _ in _families(part).values():
            opened = {v for found in labels for k, v in found.items() if k in {"source", "key"}}
            assert opened <= {SAMPLE_NAME, "-"}
