"""What is taken back in a live pipeline is gone exactly once, through kill -9, from tables, scores and moments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from agents.faults.judge import Deployment, judge
from agents.replay import replay
from deploy.local.state import StackState
from schemas.codec import decode_engagement
from schemas.kinds import KINDS
from streams.model.parameters import PROFILES
from tests.events import START_MS, Event, engagements, write
from tests.integration.pipeline import pipeline

pytestmark = pytest.mark.integration
SPAN_S = 3_600
ACTS = engagements(1_500, 300, seed=8, span_s=SPAN_S)
UNDOS = [act | {"undo": True, "occurred_at": START_MS + SPAN_S * 1000 + i} for i, act in enumerate(ACTS[::4])]
LIKE: Event = {"id": "once", "kind": "like", "actor": "test:fan", "target": "test:idol", "occurred_at": START_MS}
UNLIKE = LIKE | {"undo": True, "occurred_at": START_MS + 1}
AS_OF_MS = START_MS + 2 * SPAN_S * 1000


def expected() -> dict[str, dict[str, Any]]:
    """Return counts and mass of everybody, of an offline replay of the same acts and undos."""
    told = [decode_engagement(json.dumps(each).encode()) for each in (*ACTS, LIKE, *UNDOS, UNLIKE)]
    found = replay([list(told)], PROFILES["burst"], as_of=AS_OF_MS / 1000)
    assert found.undone == len(UNDOS) + 1
    received = found.rows["received"].tolist()
    return {
        user.decode(): {
            "received": dict(zip(KINDS, counts, strict=True)),
            "raw": pytest.approx(raw, rel=1e-9, abs=1e-12),
        }
        for user, counts, raw in zip(found.users, received, found.reading.raw.tolist(), strict=True)
    }


def test_a_worker_may_die_between_an_act_and_its_undo(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """What the act gave is remembered by the partition's next owner, and what was taken back is not taken again."""
    settings = {"profile": "burst", "session_timeout_s": "2", "commit_interval_s": "0.3", "chunk_events": "100"}
    with pipeline(stack, tmp_path, f"{own_prefix}-undo", workers=1, **settings) as running:
        running.renown("ingest", str(write(tmp_path / "acts.jsonl", [*ACTS, LIKE])))
        running.renown("drain", "--timeout", "60")
        redis, prefix = Redis.from_url(stack.redis_url, decode_responses=True), running.settings.redis_prefix
        assert json.loads(redis.hget(f"{prefix}:u:test:idol", "counts_7d") or "{}")["like"] == 1
        running.kill("worker-0")
        running.renown("ingest", str(write(tmp_path / "undos.jsonl", [*UNDOS, UNLIKE, *UNDOS[:50]])))
        running.start("worker-0")
        running.wait_ready("worker-0")
        running.renown("drain", "--timeout", "60")
        lines = map(json.loads, running.renown("counts", "--as-of", str(AS_OF_MS)).splitlines())
        live = {each["user"]: {"received": each["received"], "raw": each["raw"]} for each in lines}
        verdict = judge(Deployment(stack.bootstrap_servers, stack.redis_url, running.settings.prefix, prefix, 8))
        idol = redis.hgetall(f"{prefix}:u:test:idol")
        assert json.loads(redis.get(f"{prefix}:why:test:idol") or "[]") == []
    assert verdict.exact, verdict.text()
    assert (verdict.undone, verdict.repeats) == (len(UNDOS) + 1, 50)
    assert live == expected()
    assert (idol["score"], json.loads(idol["counts_7d"])["like"]) == ("1.0", 0)
