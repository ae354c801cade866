"""A copy of the model and its property tests in a folder of its own, to be mutated and tried without compiling."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TRIAL_S = 120
EXAMPLES = 80
EXAMPLES_OF_SLOW = {
    "test_no_arriving_act_lowers_anybody": 6,
    "test_a_giver_keeps_own_influence_at_any_volume": 10,
    "test_newcomers_alone_never_give_more_than_their_limit": 3,
    "test_kernels_equal_the_reference_when_acts_are_taken_back": 10,
    "test_an_undo_takes_back_what_was_granted_and_no_more": 10,
    "test_an_undo_lowers_only_the_two_concerned": 6,
    "test_cycles_of_act_and_undo_gain_nothing": 5,
    "test_partitions_decide_alike_on_undos": 8,
    "test_counts_and_moments_are_those_of_acts_not_taken_back": 10,
}
"""Floods of thousands of acts, and undos one by one, in plain Python."""
REPLAY = ("agents/offline.py", "agents/recorded.py", "agents/ingest/formats/columns.py", "agents/ingest/outcomes.py")
"""What undos are tried on: acts and undos with the log in between."""
_DECLARED = re.compile(r"max_examples=(\d+)((?:(?!\ndef ).)*\n)def (\w+)\(", re.DOTALL)


def copied(folder: Path) -> Path:
    """Return `folder` with model, tests and reference in it, each property to be tried on few examples."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("streams/model", "schemas", "tests/reference", "tests/property"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    for file in REPLAY:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    for package in ("streams", "tests", "agents", "agents/ingest", "agents/ingest/formats"):
        (folder / package / "__init__.py").touch()
    shutil.copy(HERE / "pure.py", folder / "streams" / "model" / "compiled.py")
    for path in (folder / "tests" / "property").glob("*.py"):
        path.write_text(_DECLARED.sub(_fewer, path.read_text()))
    return folder


def _fewer(declared: re.Match[str]) -> str:
    examples = min(int(declared[1]), EXAMPLES_OF_SLOW.get(declared[3], EXAMPLES))
    return f"max_examples={examples}{declared[2]}def {declared[3]}("


def substituted(folder: Path, file: str, old: str, new: str) -> None:
    """Replace `old`, which must stand exactly once in the model's `file`, by `new`."""
    path = folder / "streams" / "model" / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}: bring the mutant up to date"
    path.write_text(text.replace(old, new))


def failures(folder: Path, tests: list[str]) -> dict[str, str]:
    """Return which of `tests` fail in the copy, and how."""
    command = [sys.executable, str(HERE / "trial.py"), *tests]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TRIAL_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found
