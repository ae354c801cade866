"""Somebody who opts out is gone to the last byte, and nothing brings them back but themselves."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.state import StackState
from schemas.command import subject_of
from schemas.kinds import KINDS
from streams.engine.hashing import hash_id
from tests.events import counted, engagements
from tests.integration.pipeline import RENOWN, Pipeline, pipeline
from tests.integration.searching import places_of, send

pytestmark = pytest.mark.integration
EVENTS = engagements(4_000, 300, seed=11)
ANN, BOB = "test:user1", "test:user2"
"""Both receive much: others remember them, and have them among their moments."""
TOUCHED = ("test:user3", "test:user5")
"""Those to whom the tests have something more happen."""
LEAVING = {BOB, "test:user5"}
"""Those whom other tests, in whatever order, have leave: their pairs may be gone already."""


@pytest.fixture(scope="module")
def running(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Give a pipeline of two workers in which all events are scored."""
    folder = tmp_path_factory.mktemp("departures")
    settings = {"session_timeout_s": "6", "commit_interval_s": "0.3"}
    with pipeline(stack, folder, "departures", workers=2, profile="burst", **settings) as made:
        send(made, EVENTS)
        yield made


def earned(running: Pipeline) -> dict[str, dict[str, object]]:
    """Return the audit of the tables without what the next calibration may move."""
    lines = running.counts().items()
    return {user: {name: value for name, value in line.items() if name != "score"} for user, line in lines}


def obey(running: Pipeline, command: str, user: str) -> float:
    done = json.loads(running.renown(command, user, "--json"))
    return float(done["seconds"])


def exported(running: Pipeline, user: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(running.renown("export", user))
    return found


def all_is_exported(running: Pipeline) -> None:
    """Hold every count, pair and act of an export against the input."""
    found, answer = exported(running, ANN), counted(EVENTS)[ANN]
    acts = {event["id"] for event in EVENTS if ANN in {event["actor"], event["target"]}}
    assert {act["id"] for act in found["engagements"]} == acts
    assert dict(zip(KINDS, found["row"]["received"], strict=True)) == {kind: answer["received"][kind] for kind in KINDS}
    others = {event["target"] if event["actor"] == ANN else event["actor"] for event in EVENTS if event["id"] in acts}
    hashes = {user: subject_of(hash_id(str(user).encode(), running.settings.hash_key.encode())) for user in others}
    pairs = [pair["other"] for pair in found["pairs"]]
    staying = {hashes[user] for user in others - LEAVING}
    assert len(pairs) == len(set(pairs))
    assert staying <= set(pairs) <= set(hashes.values())
    assert found["remembered_by"] == len(pairs)
    assert found["score"]["user"] == ANN
    assert len(found["history"]) == 1
    assert found["moments"]
    assert found["dead_letters"] == []
    asked = subprocess.run((*RENOWN, "export", "test:nobody"), env=running.env, capture_output=True, check=False)
    assert asked.returncode == 1


def test_who_opts_out_is_gone_and_stays_gone(running: Pipeline) -> None:
    """From Redis, leaderboards, tables, changelog, scores and credits; through new events and kill -9."""
    all_is_exported(running)
    assert len(places_of(running, ANN)) > 4, "the search must find what is there"
    touched = Counter(str(event["target"]) for event in EVENTS if event["actor"] == ANN)
    told = {user: running.renown("explain", user, check=False) for user, _ in touched.most_common()[-6:]}
    fans = [user for user, text in told.items() if f"{ANN} " in text]
    assert fans, "somebody must have had the one among their moments"
    assert obey(running, "opt-out", ANN) < 30
    assert places_of(running, ANN) == set()
    before = earned(running)
    assert ANN not in before
    again = [dict(event, id=f"again-{event['id']}") for event in EVENTS if ANN in {event["actor"], event["target"]}]
    assert len(again) > 100
    send(running, again)
    running.kill("worker-0")
    running.start("worker-0")
    running.wait_ready("worker-0")
    send(running, [dict(event, id=f"later-{event['id']}") for event in again])
    assert places_of(running, ANN) <= {running.settings.topics.credits.name}
    assert earned(running) == before, "and nobody else has gained or lost by what was dropped"
    assert not any(running.renown("explain", user).count(f"{ANN} ") for user in fans)
    left = exported(running, ANN)
    assert {name for name, value in left.items() if value} == {"user", "exported_at", "engagements"}, "raw input stays"
    asked = subprocess.run((*RENOWN, "score", ANN), env=running.env, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    obey(running, "opt-out", ANN)
    assert places_of(running, ANN) == set()


def test_others_keep_their_counts_when_somebody_leaves(running: Pipeline) -> None:
    """Counts are the others' own; only what names the one who left goes."""
    answer, live = counted(EVENTS), running.counts()
    for user in set(answer) - {ANN, BOB, *TOUCHED}:
        for side in ("received", "given"):
            have = {kind: count for kind, count in live[user][side].items() if count}  # type: ignore[attr-defined]
            assert have == answer[user][side], user


def test_who_is_forgotten_begins_anew(running: Pipeline) -> None:
    obey(running, "forget", BOB)
    assert places_of(running, BOB) == set()
    act = {**EVENTS[0], "id": "new", "actor": "test:user3", "target": BOB, "kind": "share"}
    send(running, [act])
    assert running.counts()[BOB]["received"] == {"like": 0, "share": 1, "mention": 0, "reply": 0}


def test_who_opts_in_again_counts_from_then_on(running: Pipeline) -> None:
    obey(running, "opt-out", "test:user5")
    obey(running, "opt-in", "test:user5")
    act = {**EVENTS[0], "id": "back", "actor": "test:user3", "target": "test:user5", "kind": "reply"}
    send(running, [act])
    assert running.counts()["test:user5"]["received"] == {"like": 0, "share": 0, "mention": 0, "reply": 1}


def test_what_is_no_user_is_refused_by_name(running: Pipeline) -> None:
    done = subprocess.run((*RENOWN, "opt-out", "ann"), env=running.env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "USER" in done.stderr
    assert "network:native-id" in done.stderr
