"""The catalogue of metrics: complete, at zero from the start, without a label per user."""

from __future__ import annotations

import re

from prometheus_client import generate_latest

from schemas.reasons import Reason
from streams.metrics import CATALOGUE, Metrics

ALLOWED_LABELS = {"", "reason"}


def test_every_declaration_has_a_meaning_a_remedy_and_a_base_unit() -> None:
    """A number that nobody knows what to do about is noise."""
    for d in CATALOGUE:
        assert re.fullmatch(r"renown_[a-z_]+", d.name)
        assert d.meaning
        assert d.remedy
        assert d.label in ALLOWED_LABELS


def test_every_reason_is_exported_at_zero_from_the_start() -> None:
    """An alert on a rate needs the series before the first refusal."""
    text = generate_latest(Metrics().registry).decode()
    for reason in Reason:
        assert f'renown_refused_total{{reason="{reason.value}"}} 0.0' in text


def test_every_field_is_declared_once() -> None:
    """The annotations that code uses and the catalogue must not drift apart."""
    declared = [d.field for d in CATALOGUE]
    assert len(declared) == len(set(declared))
    assert set(declared) == set(Metrics.__annotations__)
