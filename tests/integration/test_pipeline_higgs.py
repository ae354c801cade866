"""A recorded week of half a million engagements through two workers, against answers found without Renown's code."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import redis

from agents.calibration_feed import read_calibration
from agents.lookup.explanation import explained
from agents.lookup.formula import formulas
from agents.lookup.stored import stored_score
from deploy.local.state import StackState
from schemas.redis_keys import RedisKeys
from streams.formula import parameters_of
from streams.model.calibration import score_of
from tests.datasets import higgs
from tests.integration.pipeline import RENOWN, Pipeline, pipeline
from tests.web.arithmetic import complaints

pytestmark = pytest.mark.integration
KIND = {"RT": "share", "MT": "mention", "RE": "reply"}
Tally = dict[str, Counter[str]]


def batch_counts(path: Path) -> tuple[Tally, Tally]:
    """Count received and given per user and kind in one pass over sets, as the data's own rules say."""
    with gzip.open(path, "rt") as lines:
        acts = {tuple(line.split()) for line in lines}
    twins = {(a, b, t) for a, b, t, kind in acts if kind != "MT"}
    received: Tally = defaultdict(Counter)
    given: Tally = defaultdict(Counter)
    for a, b, t, kind in acts:
        if a != b and not (kind == "MT" and (a, b, t) in twins):
            received[f"higgs:{b}"][KIND[kind]] += 1
            given[f"higgs:{a}"][KIND[kind]] += 1
    return received, given


@pytest.fixture(scope="module")
def scored(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Two workers on eight partitions that have scored the whole file."""
    path = higgs()
    folder = tmp_path_factory.mktemp("higgs")
    with pipeline(stack, folder, "higgs", workers=2, profile="burst") as running:
        running.renown("ingest", str(path), "--format", "higgs")
        running.renown("drain", "--timeout", "240")
        yield running


@pytest.fixture(scope="module")
def replayed() -> dict[str, float]:
    """Raw mass by user as the offline replay of the same file computes it."""
    command = [*RENOWN, "replay", str(higgs()), "--format", "higgs", "--profile", "burst", "--output", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = map(json.loads, done.stdout.splitlines())
    return {line["user"]: line["raw"] for line in lines}


def test_every_count_equals_the_batch_count(scored: Pipeline) -> None:
    """Counting exactly once is the ground that every score stands on."""
    received, given = batch_counts(higgs())
    assert sum(sum(c.values()) for c in received.values()) == 515_538
    live = scored.counts()
    assert set(live) == set(received) | set(given)
    wrong = [
        user
        for user, line in live.items()
        if +Counter(line["received"]) != received.get(user, Counter())
        or +Counter(line["given"]) != given.get(user, Counter())
    ]
    assert wrong == []


def test_every_raw_mass_equals_the_replay_s(scored: Pipeline, replayed: dict[str, float]) -> None:
    """Interleaving of partitions and workers must not matter (law 13)."""
    live = scored.counts()
    assert set(live) == set(replayed)
    users = list(replayed)
    ours, theirs = (np.array([found[u] for u in users]) for found in ({u: x["raw"] for u, x in live.items()}, replayed))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_every_readable_target_score_is_that_of_the_final_calibration(scored: Pipeline) -> None:
    """What readers find in Redis is the newest truth for everybody, not only for those who were just active."""
    _, newest = asyncio.run(read_calibration(scored.settings))
    assert newest is not None
    weighed = scored.renown("counts", "--as-of", str(round(newest.map.as_of * 1000)))
    masses_of = {line["user"]: line["raw"] for line in map(json.loads, weighed.splitlines())}
    users = sorted(user for user, raw in masses_of.items() if raw >= 0.01)
    masses = np.array([masses_of[u] for u in users])
    expected = score_of(masses, newest.map.influence, parameters_of(scored.settings))
    keys, client = RedisKeys(scored.settings.redis_prefix), redis.Redis.from_url(scored.settings.redis_url)
    asked = client.pipeline(transaction=False)
    for user in users:
        asked.hget(keys.user(user), "target_score")
    readable = np.array([float(value or "nan") for value in asked.execute()])
    assert len(users) > 50_000
    np.testing.assert_allclose(readable, expected, atol=0.05)


def test_every_explanation_is_arithmetic(scored: Pipeline) -> None:
    """Points add up to the score shown, and the formula filled in gives the target, for everybody who is scored."""
    keys, client = RedisKeys(scored.settings.redis_prefix), redis.Redis.from_url(scored.settings.redis_url)
    known = formulas(scored.settings.profile, parameters_of(scored.settings))
    users = [member.decode() for member in client.zrange(keys.top(), 0, -1)]
    asked = client.pipeline(transaction=False)
    for user in users:
        asked.hgetall(keys.user(user))
    scores = [stored_score(user, fields) for user, fields in zip(users, asked.execute(), strict=True)]
    told = (msgspec.to_builtins(explained(score, [], [], known.get(score.model))) for score in scores)
    assert len(scores) > 50_000
    assert [each for found in told for each in complaints(found)] == []
