"""Every engagement counts once in a live pipeline, whatever is sent twice, out of order, or killed."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.local.state import StackState
from streams.model.calibration import curve, histogram, score_of
from streams.model.parameters import PROFILES
from tests.events import differences, engagements, shuffled, write
from tests.integration.pipeline import RENOWN, Pipeline, pipeline

pytestmark = pytest.mark.integration


def sent(running: Pipeline, path: Path) -> None:
    """Publish a file and wait until it is readable."""
    running.renown("ingest", str(path), "--format", "jsonl")
    running.renown("drain", "--timeout", "120")


def targets(counted: dict[str, dict[str, Any]], population: dict[str, dict[str, Any]]) -> np.ndarray:
    """Return the target scores of the users of `population` by name, all under its calibration."""
    p = PROFILES["burst"]
    masses = np.array([population[user]["raw"] for user in sorted(population)])
    ours = np.array([counted[user]["raw"] for user in sorted(population)])
    return score_of(ours, curve(histogram(masses, p.unscored_raw)), p)


def test_what_is_sent_twice_and_shuffled_counts_once(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """Producers retry and partitions race: the same acts must give the same counts and masses."""
    events = engagements(20_000, 3_000, seed=1, span_s=7_200, busy=False)
    with pipeline(stack, tmp_path, f"{own_prefix}-once", workers=2, profile="burst") as running:
        sent(running, write(tmp_path / "in-order.jsonl", events))
        first = running.counts()
    again = shuffled([*events, *events[::3]], within=1_000, seed=2)
    with pipeline(stack, tmp_path, f"{own_prefix}-again", workers=2, profile="burst") as running:
        sent(running, write(tmp_path / "shuffled.jsonl", again))
        sent(running, write(tmp_path / "once-more.jsonl", events))
        second = running.counts()
    assert differences(first, events) == []
    assert differences(second, events) == []
    moved = np.sort(np.abs(targets(first, first) - targets(second, first)))
    assert moved[int(0.99 * len(moved))] <= 0.5
    assert moved[-1] <= 3.0


def test_ten_kills_of_a_worker_change_no_count(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """Kill -9 is how production ends processes: nothing may be lost and nothing counted twice."""
    chance, events = random.Random(5), engagements(40_000, 3_000, seed=5)
    settings = {"profile": "burst", "session_timeout_s": "6", "commit_interval_s": "0.3", "chunk_events": "200"}
    with pipeline(stack, tmp_path, f"{own_prefix}-kill", workers=2, **settings) as running:
        path = write(tmp_path / "events.jsonl", events)
        source = subprocess.Popen([*RENOWN, "ingest", str(path), "--rate", "1000"], env=running.env)
        for _ in range(10):
            time.sleep(chance.uniform(0.3, 3.0))
            running.kill("worker-0")
            running.start("worker-0")
            running.wait_ready("worker-0")
        assert source.wait(120) == 0
        running.renown("drain", "--timeout", "120")
        assert differences(running.counts(), events) == []


def test_an_engagement_under_a_foreign_key_reaches_its_actor_s_partition(
    stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """A producer that keys by target must not have its actors scored in two places."""
    from confluent_kafka import Producer

    events = engagements(2_000, 300, seed=9)
    with pipeline(stack, tmp_path, f"{own_prefix}-key", workers=2, profile="burst") as running:
        producer = Producer({"bootstrap.servers": running.settings.bootstrap})
        lines = write(tmp_path / "events.jsonl", events).read_bytes().splitlines()
        for number, line in enumerate(lines):
            producer.produce(running.settings.topics.engagements.name, line, f"key{number}", partition=number % 8)
        producer.flush()
        running.renown("drain", "--timeout", "120")
        assert differences(running.counts(), events) == []
