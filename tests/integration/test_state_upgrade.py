"""A worker of this release goes on where one of an older release stopped, on a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from agents.rig.pipeline import Pipeline, prepared
from deploy.local.state import StackState
from streams.engine.failure import EX_SOFTWARE
from streams.engine.layout import STATE, STATE_VERSION
from tests.events import write
from tests.fixtures.golden import LOGS, Kept, document, records

pytestmark = pytest.mark.integration
CORPUS = "state-v1"
EXPECTED = document(CORPUS, "expected")


def _filled(stack: StackState, folder: Path, prefix: str, also: dict[str, list[Kept]]) -> Pipeline:
    """Return a pipeline whose topics hold the corpus, offsets and all; nothing is committed."""
    settings = {"partitions": str(EXPECTED["partitions"]), "session_timeout_s": "2"}
    running = prepared(stack.bootstrap_servers, stack.redis_url, folder, prefix, settings)
    producer = Producer({"bootstrap.servers": stack.bootstrap_servers})
    for log in LOGS:
        topic = getattr(running.settings.topics, log).name
        for record in [*records(CORPUS, log), *also.get(log, [])]:
            producer.produce(topic, record.value, record.key, record.partition, headers=list(record.headers))
    assert producer.flush(20) == 0
    return running


def _counts(running: Pipeline) -> dict[str, dict[str, Any]]:
    lines = running.renown("counts", "--as-of", str(EXPECTED["as_of_ms"])).splitlines()
    return {each["user"]: each for each in map(json.loads, lines)}


def _recorded(each: dict[str, Any]) -> dict[str, Any]:
    return each | {"raw": pytest.approx(each["raw"], rel=1e-9), "score": pytest.approx(each["score"], abs=0.1)}


def test_a_worker_goes_on_from_a_changelog_of_state_v1(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """It reads both logs again from their beginning, and the state alone keeps it from counting anything twice."""
    running = _filled(stack, tmp_path, f"{own_prefix}-golden", {})
    recorded = {each["user"]: _recorded(each) for each in EXPECTED["counts"]}
    try:
        running.start("worker-0")
        running.start("scoring")
        running.wait_ready("worker-0")
        running.renown("drain", "--timeout", "60")
        assert _counts(running) == recorded
        act = {"id": "new", "kind": "reply", "actor": "test:user1", "target": "test:user2"}
        running.renown("ingest", str(write(tmp_path / "one.jsonl", [act | {"occurred_at": EXPECTED["as_of_ms"]}])))
        running.renown("drain", "--timeout", "60")
        counts = _counts(running)
        assert counts["test:user2"]["received"]["reply"] == recorded["test:user2"]["received"]["reply"] + 1
        assert counts["test:user1"]["given"]["reply"] == recorded["test:user1"]["given"]["reply"] + 1
        untouched = set(recorded) - {"test:user1", "test:user2"}
        sides = ("received", "given")
        assert [u for u in untouched if any(counts[u][side] != recorded[u][side] for side in sides)] == []
    finally:
        running.stop()


def test_a_worker_refuses_the_state_of_a_newer_release(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """A downgrade ends at its start, with one line that says what to do."""
    mark = Kept(1, STATE + b"%d" % (STATE_VERSION + 1), b"", ())
    running = _filled(stack, tmp_path, f"{own_prefix}-newer", {"users_changelog": [mark]})
    try:
        running.start("worker-0")
        assert running.ended("worker-0") == EX_SOFTWARE
        said = running.log("worker-0")
        (line,) = [each for each in said.splitlines() if "renown worker stopped" in each]
        assert "by a newer release: state version 3, this release reads up to 2; run that release or a newer" in line
        assert said.rstrip().endswith(line)
        assert "Traceback" not in said
    finally:
        running.stop()
