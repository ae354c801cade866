"""`renown bench` end to end: what a measurement's document holds, and that a wrong count is no measurement."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from agents.bench.audit import Audit
from agents.bench.errors import InexactError
from agents.bench.figures import quantile
from agents.bench.synthetic import circle, synthetic
from agents.bench.throughput import FIGURES
from schemas.codec import decode_engagement
from schemas.kinds import KINDS
from tests.integration.pipeline import RENOWN

EVENTS, WARM = 20_000, 1_000
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `renown bench` without any setting of the person who tests."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    return subprocess.run([*RENOWN, "bench", *arguments], env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """One small run of the whole pipeline, printed and saved."""
    saved = tmp_path_factory.mktemp("bench") / "pipeline.json"
    done = bench("pipeline", "--events", str(EVENTS), "--users", "2000", "--runs", "1", "--json", "--save", str(saved))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), saved


def test_a_measurement_counts_exactly_what_was_sent(measured: tuple[dict[str, Any], Path]) -> None:
    """A speed at which events are lost or counted twice is none."""
    (check,) = measured[0]["exactness"]
    assert check == {
        "sent": EVENTS + WARM,
        "counted_received": EVENTS + WARM,
        "counted_given": EVENTS + WARM,
        "users_wrong": 0,
    }


def test_the_document_says_what_was_measured_where_and_every_figure(measured: tuple[dict[str, Any], Path]) -> None:
    """A figure without its circumstances cannot be compared with another one."""
    found, _ = measured
    assert found["bench"] == "pipeline"
    assert found["arguments"] == {"events": EVENTS, "users": 2000, "workers": 1, "seed": 1, "profiled": False}
    for fact in (
        "cores",
        "cpu",
        "memory_bytes",
        "python",
        "kafka",
        "redis",
        "faust-streaming",
        "aiokafka",
        "numpy",
        "numba",
    ):
        assert found["machine"][fact], fact
    assert set(found["figures"]) == {figure.name for figure in FIGURES} == set(found["runs"][0])
    for name, spread in found["figures"].items():
        assert spread["min"] == spread["median"] == spread["max"] == found["runs"][0][name] > 0, name


def test_what_is_saved_is_what_is_printed(measured: tuple[dict[str, Any], Path]) -> None:
    """Later runs are compared with the file, people read the output: both must say the same."""
    found, saved = measured
    assert json.loads(saved.read_text()) == found


def test_another_kind_of_measurement_is_not_compared(measured: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    """Ratios of unlike figures would look like findings; the refusal comes before any time is spent."""
    acts = tmp_path / "acts.jsonl"
    acts.write_text("{}\n")
    done = bench("replay", str(acts), "--against", str(measured[1]))
    assert (done.returncode, done.stdout) == (1, "")
    assert "not a measurement by this version of `renown bench replay`" in done.stderr


def test_a_replay_compared_with_itself_shows_equal_counts(tmp_path: Path) -> None:
    """`--against` divides the medians of now by those of then."""
    acts, saved = tmp_path / "acts.jsonl", tmp_path / "replay.json"
    events = synthetic(500, 50, seed=3, newest_ms=1_700_000_000_000)
    acts.write_bytes(b"".join(value + b"\n" for _, value in events.records(0, 500)))
    first = bench("replay", str(acts), "--runs", "1", "--save", str(saved))
    assert first.returncode == 0, first.stderr
    again = bench("replay", str(acts), "--runs", "1", "--json", "--against", str(saved))
    against = json.loads(again.stdout)["against"]
    assert against["ratios"]["events"] == against["ratios"]["users"] == 1.0
    assert against["differs"] == []


def test_a_recovery_reads_back_what_was_counted() -> None:
    """Fast and wrong is no recovery: the tables are compared with what was sent after the kill."""
    done = bench("recovery", "--users", "500", "--runs", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["exactness"][0]["counted_received"] == 500
    assert found["figures"]["restored_records"]["median"] >= 1_000, "a row and a pair of everybody"
    run = found["runs"][0]
    assert run["start_to_ready_s"] == pytest.approx(run["start_to_assigned_s"] + run["assigned_to_ready_s"])
    assert min(run.values()) > 0


def test_an_interrupted_measurement_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C ends brokers and workers and removes their folder: nobody looks for them afterwards."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    command = [*RENOWN, "bench", "pipeline", "--events", "1000", "--workers", "2"]
    # Tests started in a shell's background are deaf to Ctrl-C, and so would be what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, env={**env, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "starting 2 workers" not in process.stderr.readline():
            assert process.poll() is None
        while len(parts := psutil.Process(process.pid).children()) < 5:  # kafka, redis, 2 workers, scoring
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait() == 1
    gone, alive = psutil.wait_procs(parts, timeout=10)
    assert (len(gone), alive) == (5, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [Audit(10, 9, 10, 0), Audit(10, 10, 11, 0), Audit(10, 10, 10, 1)])
def test_any_difference_in_counts_fails_the_measurement(wrong: Audit) -> None:
    """Also one that leaves the sums equal: an event counted for somebody else."""
    Audit(10, 10, 10, 0).require()
    with pytest.raises(InexactError, match="sent 10"):
        wrong.require()


def test_synthetic_engagements_meet_the_contract_and_their_own_columns() -> None:
    """The audit compares the tables with the columns, so values and columns must say the same."""
    events = synthetic(300, 40, seed=5, newest_ms=1_700_000_000_000)
    acts = [decode_engagement(value) for _, value in events.records(0, 300)]
    assert len({act.id for act in acts}) == 300
    for number, act in enumerate(acts):
        assert act.actor == events.users[events.actors[number]] != act.target == events.users[events.targets[number]]
        assert (act.kind, act.occurred_at_ms) == (events.kinds[number], events.at_ms[number])
    assert {KINDS[act.kind] for act in acts} == set(KINDS)


def test_a_seed_makes_the_same_engagements_again() -> None:
    """Two measurements can be compared only when they are of the same events."""
    one, two, other = (synthetic(200, 30, seed=seed, newest_ms=10**12) for seed in (1, 1, 2))
    assert list(one.records(0, 200)) == list(two.records(0, 200)) != list(other.records(0, 200))


def test_the_second_half_of_a_circle_makes_pairs_but_no_users() -> None:
    """Otherwise the memory of a pair could not be told from that of a user."""
    events = circle(50, 6, seed=1, newest_ms=10**12)
    assert set(events.actors[:150].tolist()) == set(range(50))
    pairs = set(zip(events.actors.tolist(), events.targets.tolist(), strict=True))
    assert len(pairs) == len(events) == 300
    assert np.all(events.actors != events.targets)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    """By rank: the least value that the share of all values does not exceed."""
    values = list(range(1, 1001))
    assert [quantile(values, share) for share in (0.5, 0.99, 0.999, 1.0)] == [500, 990, 999, 1000]
