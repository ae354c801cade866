"""A setting that cannot be right refuses to start and says which and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import BadSettingError
from streams.formula import parameters_of
from streams.settings import Settings, load, origins


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RENOWN_PARTITIONS", "0"),
        ("RENOWN_PARTITIONS", "eight"),
        ("RENOWN_COMMIT_INTERVAL_S", "-1"),
        ("RENOWN_HASH_KEY", "short"),
        ("RENOWN_PARTITION", "8"),
    ],
)
def test_a_wrong_or_unknown_variable_is_named(variable: str, value: str) -> None:
    """A typo in a name must not be silently ignored."""
    with pytest.raises(BadSettingError, match=variable):
        load({variable: value})


def test_a_variable_wins_over_the_file_and_the_file_over_the_local_stack(tmp_path: Path) -> None:
    """The order in which settings win is part of the contract, and `renown config` shows it."""
    file = tmp_path / "renown.toml"
    file.write_text('profile = "burst"\npartitions = 4\n')
    found = origins({"RENOWN_CONFIG": str(file), "RENOWN_PARTITIONS": "16"}, {"partitions": 8, "bootstrap": "a:1"})
    assert found["partitions"].value == 16
    assert found["partitions"].source == "RENOWN_PARTITIONS"
    assert found["profile"].source == str(file)
    assert found["bootstrap"].source == "local stack"
    assert found["prefix"].source == "default"


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    """The file is held to the same names as the variables."""
    file = tmp_path / "renown.toml"
    file.write_text("shards = 4\n")
    with pytest.raises(BadSettingError, match="shards"):
        load({"RENOWN_CONFIG": str(file)})


def test_single_parameters_lie_over_the_profile() -> None:
    """An operator changes one number without writing a profile."""
    p = parameters_of(Settings(profile="burst", parameters="fair_volume=20, tau_s=43200"))
    assert (p.fair_volume, p.tau_s, p.bond_weight) == (20.0, 43_200.0, 0.25)
    with pytest.raises(BadSettingError, match="fair_wolume"):
        parameters_of(Settings(parameters="fair_wolume=20"))
