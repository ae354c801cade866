"""Offline scores: the same masses as the formula, whatever the partitioning, from any reader."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pa_parquet
import pytest
from click.testing import CliRunner

from agents.cli.replay import replay as command
from agents.ingest.formats.higgs import columns, event_id
from agents.replay import replay
from schemas.engagement import Act
from schemas.errors import BadRecordError
from schemas.kinds import KINDS
from schemas.reasons import Reason
from streams.model.parameters import PROFILES, Parameters
from tests.reference.model import Reference

T_MS = 1_780_000_000_000


def acts(count: int, seed: int = 1) -> list[Act | BadRecordError]:
    """Return acts between twenty people over three weeks."""
    chance = random.Random(seed)
    found: list[Act | BadRecordError] = []
    for i in range(count):
        actor, target = chance.sample(range(20), 2)
        at_ms = T_MS + i * 1_800_000_000 // count
        found.append(Act(b"x:%d" % i, chance.randrange(4), b"x:u%d" % actor, b"x:u%d" % target, at_ms))
    return found


def lines(path: Path) -> Path:
    """Write a Higgs file in which some lines tell of one act twice, and one is broken."""
    path.write_text(
        "1 2 100 MT\n1 2 100 RE\n3 3 101 RT\n1 2 101 RT\n1 2 101 RT\n2 1 102 MT\n4 x 103 RT\n4 2 104 XX\n4 2 104 RT\n"
    )
    return path


def test_a_replay_equals_the_reference() -> None:
    """The offline scores are the formula, up to rounding."""
    history = acts(600)
    reference = Reference()
    for act in history:
        assert isinstance(act, Act)
        reference.act(act.occurred_at_ms / 1000, act.actor.decode(), act.target.decode(), KINDS[act.kind])
    found = replay([history], Parameters())
    for i, user in enumerate(found.users):
        expected = reference.read(user.decode(), found.as_of)
        assert found.reading.raw[i] == pytest.approx(expected.raw, rel=1e-9)
        assert found.reading.relationships[i] == pytest.approx(expected.relationships, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("partitions", [2, 7])
def test_partitioning_does_not_matter(partitions: int) -> None:
    """Law 13 for whole replays: same users, same masses, same scores."""
    history = acts(2000)
    one, many = (
        replay([history], Parameters()),
        replay([history[:5], history[5:]], Parameters(), partitions=partitions),
    )
    assert one.users == many.users
    np.testing.assert_allclose(many.reading.raw, one.reading.raw, rtol=1e-9)
    np.testing.assert_allclose(many.score, one.score, rtol=1e-9)
    assert (one.rows["received"] == many.rows["received"]).all()


def test_repeats_and_refusals_are_counted_and_change_nothing() -> None:
    """Law 8: the same act sent twice counts once; what is broken is counted by its reason."""
    history = acts(300)
    first = history[0]
    assert isinstance(first, Act)
    undo = Act(b"x:u", 0, b"x:a", b"x:b", T_MS, undo=True)
    noise = [*history[:50], BadRecordError(Reason.UNKNOWN_KIND, "poke"), undo]
    found = replay([history, noise], Parameters())
    assert found.events == 300
    assert found.repeats == 50
    assert found.refused == {Reason.UNKNOWN_KIND: 1, Reason.UNDO_UNKNOWN: 1}
    assert (found.reading.raw == replay([history], Parameters()).reading.raw).all()


def test_as_of_leaves_later_acts_out() -> None:
    """A score as of a day must not know of the days after."""
    history = acts(400)
    until = T_MS / 1000 + 10 * 86_400
    early = [act for act in history if isinstance(act, Act) and act.occurred_at_ms / 1000 <= until]
    found = replay([history], Parameters(), as_of=until)
    expected = replay([list(early)], Parameters(), as_of=until)
    assert found.later == 400 - len(early) > 0
    raw = dict(zip(found.users, found.reading.raw, strict=True))
    assert all(raw[user] == value for user, value in zip(expected.users, expected.reading.raw, strict=True))


def test_an_act_told_twice_in_a_second_is_one_act(tmp_path: Path) -> None:
    """A mention beside a share or reply is that act; repetitions are one; acts on oneself are refused."""
    blocks = list(columns(str(lines(tmp_path / "activity.txt"))))
    told = [
        (block.users[a], block.users[t], KINDS[k], ms)
        for block in blocks
        for a, t, k, ms in zip(block.actors, block.targets, block.kinds, block.at_ms, strict=True)
    ]
    assert told == [
        (b"higgs:1", b"higgs:2", "reply", 100_000),
        (b"higgs:1", b"higgs:2", "share", 101_000),
        (b"higgs:2", b"higgs:1", "mention", 102_000),
        (b"higgs:4", b"higgs:2", "share", 104_000),
    ]
    assert sum(block.duplicates for block in blocks) == 2
    refused = [(each.line, each.error.reason, each.value) for block in blocks for each in block.refused]
    assert sorted(refused) == [
        (3, Reason.SELF_ENGAGEMENT, b"3 3 101 RT"),
        (7, Reason.INVALID_FIELD, b"4 x 103 RT"),
        (8, Reason.UNKNOWN_KIND, b"4 2 104 XX"),
    ]
    assert event_id(1, 2, 100, 3) == b"higgs:1:2:100:reply"


def test_acts_are_joined_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both lines of an act may lie on either side of a block's edge."""
    path = lines(tmp_path / "activity.txt")
    whole = sum(len(block) for block in columns(str(path)))
    for size in range(1, 40):
        monkeypatch.setattr("agents.ingest.formats.higgs.BLOCK_BYTES", size)
        blocks = list(columns(str(path)))
        assert sum(len(block) for block in blocks) == whole
        assert sum(len(block.refused) for block in blocks) == 3


def test_the_command_writes_one_line_per_user(tmp_path: Path) -> None:
    """Programs read standard output: nothing but lines; people read the closing line on standard error."""
    path = str(lines(tmp_path / "activity.txt"))
    outcome = CliRunner().invoke(command, [path, "--format", "higgs", "--output", "jsonl", "--set", "tau_s=0"])
    assert outcome.exit_code == 0, outcome.output
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [row["user"] for row in rows] == ["higgs:2", "higgs:1", "higgs:4"]
    assert set(rows[0]) == {"user", "score", "target_score", "raw", "relationships", "momentum", "received"}
    assert rows[0]["received"] == {"like": 0, "share": 2, "mention": 0, "reply": 1}
    assert rows[2] == {**rows[2], "raw": 0.0, "score": 1.0}
    assert "4 events of 3 users" in outcome.stderr
    assert "1 self_engagement" in outcome.stderr


def test_the_command_writes_parquet_and_tables(tmp_path: Path) -> None:
    """The same rows in every output."""
    path, to = str(lines(tmp_path / "activity.txt")), tmp_path / "scores.parquet"
    arguments = [path, "--format", "higgs", "--profile", "burst"]
    assert CliRunner().invoke(command, [*arguments, "--output", "parquet", "--to", str(to)]).exit_code == 0
    table = pa_parquet.read_table(to).to_pylist()
    assert [row["user"] for row in table] == ["higgs:2", "higgs:1", "higgs:4"]
    shown = CliRunner().invoke(command, [*arguments, "-n", "1"])
    assert "higgs:2" in shown.stdout
    assert "higgs:1" not in shown.stdout


def test_nothing_to_score_is_a_failure(tmp_path: Path) -> None:
    """Exit 0 only on success: a wrong format must not pass for an empty day."""
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    outcome = CliRunner().invoke(command, [str(empty), "--format", "higgs"])
    assert outcome.exit_code == 1
    assert "check --format" in outcome.stderr


def test_a_profile_changes_who_is_established() -> None:
    """In a burst of days a tenure of a week leaves everybody a newcomer: raw stays below ten."""
    history = [Act(b"x:%d" % i, 1, b"x:u%d" % (i % 50), b"x:star", T_MS + i * 3_600_000) for i in range(120)]
    star = [replay([list(history)], PROFILES[name]).reading.raw.max() for name in ("default", "burst")]
    assert star[0] < 10 < star[1]
    assert math.isfinite(star[1])
