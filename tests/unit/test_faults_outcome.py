"""When a suite says that a promise was kept, and when not."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from rich.console import Console

from agents.cli.faults import report, told
from agents.faults.catalogue import FAULTS, chosen
from agents.faults.judge.verdict import FAULTS as JUDGED
from agents.faults.judge.verdict import Verdict
from agents.faults.outcome import Outcome, judged, table
from agents.faults.torture import STEPS, schedule

NOTHING: dict[str, Any] = dict.fromkeys(JUDGED, 0)
EXACT = Verdict(
    records=12,
    events=10,
    repeats=1,
    rerouted=0,
    refused={"undecodable": 1},
    poisoned=0,
    undone=0,
    counted=10,
    lost_received=0,
    lost_given=0,
    doubled_received=0,
    doubled_given=0,
    users=5,
    letters=1,
    letters_repeated=0,
    scores=5,
    examples={},
    **NOTHING,
)


def test_an_exact_verdict_is_kept_and_any_fault_breaks_it() -> None:
    """Also one that leaves all counts right, such as a stale score."""
    assert judged("a", "b", EXACT, 10, {}).kept
    for fault in JUDGED:
        broken = judged("a", "b", replace(EXACT, **{fault: 1}), 10, {})
        assert not broken.kept, fault
        assert report([broken], as_json=True) == 1


def test_acts_that_kafka_acknowledged_and_does_not_hold_are_lost() -> None:
    """The judge reads the topic: what never stood there, only the source can miss."""
    outcome = judged("a", "b", EXACT, 12, {})
    assert (outcome.lost, outcome.kept) == (2, False)
    assert judged("a", "b", replace(EXACT, events=9, poisoned=1), 10, {}).kept


def test_a_problem_alone_breaks_an_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    """An ending with a traceback loses nothing and is a broken promise all the same."""
    broken = judged("zombie", "b", EXACT, 10, {"problems": ("it ended with a traceback",)})
    assert report([broken], as_json=False) == 1
    assert "it ended with a traceback" in told(broken)
    assert "NO" in capsys.readouterr().out


def test_what_was_not_tried_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that could not be tried here must not look like one that was survived."""
    untried = Outcome("clock", "b", not_tried="no library")
    assert report([untried, judged("a", "b", EXACT, 10, {})], as_json=False) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith(" clock"))
    assert "not tried: no library" in line
    assert "yes" not in line


def test_the_table_names_every_figure_that_is_promised() -> None:
    """Readers look for fault, injections, events, exact counts, losses, doublings and recovery."""
    out = io.StringIO()
    Console(file=out, width=120).print(
        table([judged("kill", "b", EXACT, 10, {"injected": 3, "recovery_s": (2.0, 4.0)})])
    )
    head, row = out.getvalue().splitlines()
    assert re.split(r"  +", head.strip()) == [
        "fault",
        "injected",
        "events in",
        "counted exactly",
        "lost",
        "doubled",
        "recovery",
        "kept",
    ]
    assert row.split() == ["kill", "3", "10", "10", "0", "0", "3.0", "s", "(max", "4.0)", "yes"]


def test_names_are_unique_and_the_quick_ones_are_some_of_all() -> None:
    """A selection is made by name."""
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    quick = chosen((), quick=True)
    assert 0 < len(quick) < len(chosen((), quick=False)) == len(FAULTS)
    assert [fault.name for fault in chosen(("kill", "zombie"), quick=False)] == ["kill", "zombie"]


def test_a_seed_gives_the_same_schedule_and_every_fault_has_its_turn() -> None:
    """A failure is repeated by its seed."""
    one, two, other = (list(islice(schedule(seed), 3_000)) for seed in (7, 7, 8))
    assert one == two != other
    assert {name for name, _ in one} == set(STEPS)
