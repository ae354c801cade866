"""`renown collect`: what it says of the sources there are."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from agents import sources
from agents.cli.collect import collect


def test_the_list_names_every_source_with_its_options() -> None:
    """Programs read the JSON, people the lines."""
    found = json.loads(CliRunner().invoke(collect, ["list", "--json"]).output)
    assert [each["name"] for each in found] == sources.names()
    assert all(each["meaning"] and each["options"] for each in found)
    assert {each["name"]: each["arguments"] for each in found if each["arguments"]} == {"webhook": ["mapping"]}
    assert CliRunner().invoke(collect, ["webhook"]).exit_code == 2
    lines = CliRunner().invoke(collect, ["list"]).output.splitlines()
    assert [line.split()[0] for line in lines] == ["http", *sources.names()]


@pytest.mark.parametrize("name", sources.names())
def test_a_source_s_fields_are_its_options(name: str) -> None:
    """One file is enough: nobody writes a command for it."""
    shown = CliRunner().invoke(collect, [name, "--help"]).output
    (told,) = [
        each for each in json.loads(CliRunner().invoke(collect, ["list", "--json"]).output) if each["name"] == name
    ]
    assert all(f"--{option['name']}" in shown for option in told["options"])
    assert "--cursor" in shown
    assert f"Example: renown collect {name}" in shown
    refused = CliRunner().invoke(collect, [name, "--nonsense"])
    assert refused.exit_code == 2


def test_every_source_can_be_made_with_its_defaults() -> None:
    """Its refused frames are tried again without anybody's options."""
    for name in sources.names():
        assert sources.source_class(name)().feed is not None
