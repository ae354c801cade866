"""What the README says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.cli.main import COMMANDS, cli
from agents.faults.catalogue import FAULTS
from streams.model.parameter_table import markdown

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(name: str) -> str:
    """Return what stands between the README's two marks of `name`."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_parameters_are_the_code_s() -> None:
    """An open formula that is not the one in force would be worse than a secret one."""
    assert block("parameters") == markdown()


def test_the_smallest_source_is_the_one_that_the_tests_run() -> None:
    """An example that nobody runs is soon wrong."""
    code = (ROOT / "tests/sources/smallest.py").read_text()
    assert block("smallest") == f"```python\n{code}```\n"


def test_every_command_in_the_readme_exists() -> None:
    """A command that a reader types must be there, subcommands too."""
    named = set(re.findall(r"`?renown ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+))?", README))
    assert len(named) > 15
    missing = [command for command, _ in named if command not in COMMANDS]
    assert missing == []


def test_every_fault_that_a_promise_names_is_tried_and_every_fault_stands_behind_one() -> None:
    """A promise whose fault nobody tries is none."""
    named = {fault for text in re.findall(r"`renown faults ([a-z -]+)`", README) for fault in text.split()}
    assert named == {fault.name for fault in FAULTS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    """`--help` is the documentation that is always at hand."""
    context = cli.make_context("renown", [name], resilient_parsing=True)
    command = cli.get_command(context, name)
    assert command is not None
    assert "Example:" in (command.help or "")


def test_every_file_that_promises_name_exists() -> None:
    """A promise is worth the test that holds it."""
    names = set(re.findall(r"`((?:tests/|test_)[\w/]+\.py)`", README))
    assert names
    assert [n for n in names if not (ROOT / n).exists() and not list((ROOT / "tests").rglob(n))] == []


@pytest.mark.parametrize("name", ["demo", "speed"])
def test_measured_blocks_are_filled(name: str) -> None:
    """The first screen shows real output."""
    assert len(block(name).splitlines()) > 3
