"""Parameters: named, checked, and told apart by their digest."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from schemas.errors import BadSettingError
from streams.model.parameters import PROFILES, Parameters, digest, model_name, named, with_settings


def test_every_parameter_says_its_unit_and_reason() -> None:
    """A number without a reason cannot be tuned."""
    assert all(item.metadata["unit"] and len(item.metadata["reason"]) > 10 for item in fields(Parameters))


def test_a_digest_tells_formulas_apart() -> None:
    """Scores of different formulas must never be compared unknowingly."""
    different = {digest(replace(Parameters(), **{item.name: 1.5})) for item in fields(Parameters)}
    assert len(different) == len(fields(Parameters))
    assert model_name("burst", PROFILES["burst"]) == f"burst@{digest(PROFILES['burst'])}"


def test_settings_are_numbers_by_name() -> None:
    """The command line sends text."""
    assert named("burst", {"fair_volume": "20"}) == replace(Parameters(), tau_s=86_400.0, fair_volume=20.0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("fair_volum", 1, "fair_volume"),
        ("gamma", "high", "number"),
        ("gamma", "nan", "finite"),
        ("gamma", 0, "above 0"),
        ("tau_s", -1, "finite"),
        ("max_admirers", 0, "at least 1"),
        ("pair_half_life_s", 30 * 86_400, "shortest memory"),
        ("pair_capacity", 0.5, "heaviest weight"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: object, told: str) -> None:
    """The message names the setting and the remedy."""
    with pytest.raises(BadSettingError, match=told) as refusal:
        with_settings(Parameters(), {name: value})
    assert refusal.value.name == name


def test_an_unknown_profile_is_refused() -> None:
    """A typo must not fall back to the default."""
    with pytest.raises(BadSettingError, match="burst"):
        named("brust")
