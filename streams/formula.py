"""The formula that a deployment's settings name."""

from __future__ import annotations

from streams.model.parameters import Parameters, named
from streams.settings import Settings


def parameters_of(settings: Settings) -> Parameters:
    """Return the model's parameters in force; raise BadSettingError naming a wrong one."""
    pairs = (pair.partition("=") for pair in settings.parameters.split(",") if pair)
    return named(settings.profile, {name.strip(): value.strip() for name, _, value in pairs})
