"""The operator's guide: its commands, settings, jobs, files and plans are the code's."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from agents.cli.main import COMMANDS, cli
from agents.operations.catalogue import PARTS
from streams.settings import PREFIX, Settings
from tests.operations.manifests import VERSIONS
from tests.operations.rule_files import PROJECT

GUIDE = (PROJECT / "docs" / "operate.md").read_text()
PLANS = re.findall(r"^renown (plan .*)$", GUIDE, re.MULTILINE)


def plans() -> str:
    """Return the block between the guide's marks: what its own commands print, those for programs left out."""
    shown = [words for words in PLANS if "--json" not in words]
    said = [f"$ renown {words}\n{CliRunner().invoke(cli, shlex.split(words)).stdout}" for words in shown]
    return "```\n" + "\n".join(said) + "```\n"


def test_plans_are_what_the_command_prints() -> None:
    """`python -m tests.operations.test_guides` prints the block anew."""
    found = re.search(r"<!-- plan -->\n(.*?)<!-- /plan -->", GUIDE, re.DOTALL)
    assert found is not None
    assert found.group(1) == plans()


@pytest.mark.parametrize("words", PLANS)
def test_every_plan_shown_runs(words: str) -> None:
    """Also those for programs."""
    assert CliRunner().invoke(cli, shlex.split(words)).exit_code == 0


def test_what_the_guide_names_is_there() -> None:
    """Commands, settings, jobs, files, versions of Kubernetes."""
    assert set(re.findall(r"(?:`|^)renown ([a-z]+(?:-[a-z]+)*)", GUIDE, re.MULTILINE)) <= set(COMMANDS)
    settings = {PREFIX + name.upper() for name in Settings.__dataclass_fields__}
    assert set(re.findall(r"RENOWN_[A-Z_]+", GUIDE)) <= settings
    assert set(re.findall(r"^\| `(renown-\w+)` \|", GUIDE, re.MULTILINE)) == {part.job for part in PARTS}
    files = re.findall(r"`(deploy/[\w./-]+)`", GUIDE)
    assert len(files) >= 4
    assert [name for name in files if not (PROJECT / name).exists()] == []
    assert re.findall(r"Kubernetes (1\.\d+) and (1\.\d+)", GUIDE) == [tuple(v.rpartition(".")[0] for v in VERSIONS)]


if __name__ == "__main__":
    print(plans(), end="")  # noqa: T201 - a program's output
