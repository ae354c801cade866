"""`renown up`, `down` and `status` as a person and as a program call them."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import stack as commands
from deploy.local import state
from deploy.local.errors import PartFailedError
from deploy.local.stack import Stack
from deploy.local.state import StackState


def run(command: str, *words: str) -> Result:
    """Return the outcome of one command."""
    return CliRunner().invoke(getattr(commands, command), words)


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_every_command_shows_an_example(command: str) -> None:
    """Help without an example is read twice."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: renown {command}" in result.stdout


def test_status_of_nothing_fails_in_one_line_with_the_remedy(tmp_path: Path) -> None:
    """Scripts wait on the exit code, people on the line."""
    result = run("status", "--data", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "renown up" in result.stderr


def test_json_status_is_one_document_even_when_nothing_runs(tmp_path: Path) -> None:
    """A program reads stdout whole."""
    result = run("status", "--json", "--data", str(tmp_path))
    assert result.exit_code == 1
    document = orjson.loads(result.stdout)
    assert (document["running"], document["parts"]) == (False, [])


def test_status_names_each_part_that_is_down(tmp_path: Path) -> None:
    """A stack that was stopped is told part by part."""
    state.save(StackState(tmp_path, 8, workers=1))
    document = orjson.loads(run("status", "--json", "--data", str(tmp_path)).stdout)
    assert {part["name"]: part["problem"] for part in document["parts"]} == dict.fromkeys(
        ("kafka", "redis", "worker-0", "scoring"), "stopped"
    )


def test_down_where_nothing_runs_succeeds(tmp_path: Path) -> None:
    """Clean-up scripts call it without looking first."""
    result = run("down", "--json", "--data", str(tmp_path))
    assert result.exit_code == 0
    assert orjson.loads(result.stdout) == {"data_dir": str(tmp_path), "stopped": []}


def test_other_partitions_than_the_data_has_are_refused(tmp_path: Path) -> None:
    """Users live by partition: another count would split every user's state in silence."""
    state.save(StackState(tmp_path, 8))
    result = run("up", "--partitions", "9", "--data", str(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "made with 8 partitions" in result.stderr


def test_a_failed_start_is_one_line_and_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace of our own code tells a user nothing."""

    def fail(_stack: Stack, **_options: object) -> None:
        raise PartFailedError("Kafka did not start", "disk is full", "free some space")

    monkeypatch.setattr(Stack, "up", fail)
    result = run("up", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr == "renown: Kafka did not start (disk is full): free some space\n"
