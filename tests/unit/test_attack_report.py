"""The arithmetic of an attack report, by hand on toy streams."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from agents.attack.injection import acts
from agents.attack.measures import Measured, count, decayed_count, distinct, pagerank
from agents.attack.outcome import moved
from agents.attack.run import attack, beneficiaries, paid_acts
from agents.attack.stream import Stream, collected
from agents.cli.attack import attack as command
from schemas.engagement import Act
from schemas.errors import BadRecordError, BadSettingError
from schemas.reasons import Reason
from streams.model.parameters import Parameters

DAY_MS = 86_400_000
T_MS = 1_780_000_000_000


def toy() -> Stream:
    """Return 0 -> 2 twice, a day apart, and 1 -> 2, 2 -> 0 at the end."""
    at_ms = np.array([T_MS, T_MS + DAY_MS, T_MS + DAY_MS, T_MS + DAY_MS])
    users = [b"x:0", b"x:1", b"x:2"]
    return Stream(users, np.array([0, 0, 1, 2]), np.array([2, 2, 2, 0]), np.ones(4, np.uint8), at_ms)


def test_naive_measures_by_hand() -> None:
    """The yardsticks must be what their names say."""
    end_ms = T_MS + DAY_MS
    assert count(toy(), end_ms).tolist() == [1, 0, 3]
    assert decayed_count(toy(), end_ms).tolist() == [1, 0, 2.5]
    assert distinct(toy(), end_ms).tolist() == [1, 0, 2]
    ranks = pagerank(toy(), end_ms)
    two = (0.15 + 0.85 * (0.15 + 0.15)) / (1 - 0.85**2)
    assert ranks == pytest.approx([0.15 + 0.85 * two, 0.0, two], abs=1e-2)


def test_what_moved_by_hand() -> None:
    """Points, ranks, price and collateral are differences that a reader can redo."""
    before = Measured(np.array([1.0, 2.0, 3.0, 0.0]), np.array([10.0, 20.0, 30.0, 1.0]))
    after = Measured(np.array([5.0, 2.0, 3.0, 0.0, 9.0]), np.array([30.0, 17.0, 29.5, 1.0, 90.0]))
    found = moved(before, after, 0, np.array([0, 2]), 4.0)
    assert found.gain == 20
    assert found.price_per_point == 0.2
    assert found.rank == (3, 1), "the attacker's own account is no competitor"
    assert (found.honest, found.losers, found.moved_max) == (2, 1, 3.0)
    assert found.moved_p99 == pytest.approx(0.5 + 0.99 * 2.5)
    assert found.mean_change == -0.5
    assert moved(before, before, 0, np.array([0]), 4.0).price_per_point is None


def test_paid_acts_are_those_delivered_or_done() -> None:
    """Innocuous acts of an account come with it; the beneficiary's own are paid only where they are the attack."""
    injected = acts("like", np.array([7, 7, 8, 3]), np.array([3, 4, 3, 5]), np.full(4, T_MS))
    assert paid_acts(injected, 3, own=False) == 2
    assert paid_acts(injected, 3, own=True) == 1


def test_self_engagements_are_never_injected() -> None:
    """A random choice may hit the actor."""
    assert len(acts("like", np.array([1, 2]), np.array([1, 1]), np.zeros(2, np.int64))) == 1


def test_repeats_refusals_and_undos_are_no_part_of_a_stream() -> None:
    """The measures must see what the product scores."""
    one = Act(b"1", 1, b"x:a", b"x:b", T_MS)
    undo = Act(b"2", 1, b"x:a", b"x:b", T_MS, undo=True)
    early = Act(b"3", 0, b"x:b", b"x:a", T_MS - 1)
    stream = collected([[one, one, undo, BadRecordError(Reason.UNKNOWN_KIND, "poke")], [one, early]])
    assert stream.at_ms.tolist() == [T_MS - 1, T_MS]
    assert [stream.users[i] for i in stream.actors] == [b"x:b", b"x:a"]
    with pytest.raises(BadSettingError, match="check --format"):
        collected([[undo]])


def crowd() -> Stream:
    """Return 600 shares in ten days among sixty people, few of them engaged a lot."""
    rng = np.random.default_rng(1)
    actors = rng.integers(0, 60, 600)
    targets = (actors + 1 + (59 * rng.random(600) ** 3).astype(np.int64)) % 60
    targets = np.where(targets == actors, (actors + 1) % 60, targets)
    at_ms = np.sort(T_MS + rng.integers(0, 10 * DAY_MS, 600))
    return Stream([b"x:%d" % i for i in range(60)], actors, targets, np.ones(600, np.uint8), at_ms)


def test_fresh_bots_end_at_the_newcomers_limit_and_aged_ones_do_not() -> None:
    """Both halves of the promise: a swarm without tenure is damped, one with tenure is not stopped."""
    found = {
        (one.scenario, one.standing): one.moved["renown"]
        for one in attack(crowd(), ["fresh-bots", "aged-bots"], [300], Parameters(), seed=1, price=0.01)
    }
    for standing in ("low", "middle"):
        assert found["fresh-bots", standing].value[1] < found["aged-bots", standing].value[1] / 3
        assert found["aged-bots", standing].value[1] > 100


def test_a_spammer_gains_nothing() -> None:
    """Liking everything is no way up: own mass stays to rounding."""
    for one in attack(crowd(), ["spammer"], [500], Parameters(bond_weight=0.0), seed=1, price=0.01):
        own = one.moved["renown"]
        assert own.value[1] == pytest.approx(own.value[0], rel=1e-9)
        assert own.gain <= 0
        assert one.paid >= 480


def test_beneficiaries_are_drawn_by_seed_from_their_bands() -> None:
    """Low and middle are ranks among the scored, so that nobody picks a convenient victim."""
    base = Measured(np.arange(200.0), np.arange(200.0))
    drawn = [beneficiaries(base, 0.5, seed) for seed in range(30)]
    assert all(10 <= each["low"] <= 40 and 89 <= each["middle"] <= 110 for each in drawn)
    assert len({each["low"] for each in drawn}) > 5
    assert drawn[3] == beneficiaries(base, 0.5, 3)


def test_the_command_reports_tables_and_lines(tmp_path: Path) -> None:
    """People read the table, programs a line per attack; a wrong size is refused."""
    path = tmp_path / "activity.txt"
    path.write_text("".join(f"{i % 7} {i % 5 + 7} {1000 + i} RT\n" for i in range(70)))
    arguments = [str(path), "--format", "higgs", "--scenario", "ring", "--size", "5"]
    outcome = CliRunner().invoke(command, [*arguments, "--json"])
    assert outcome.exit_code == 0, outcome.output
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [(row["standing"], row["paid"], row["price"]) for row in rows] == [("low", 40, 0.4), ("middle", 40, 0.4)]
    assert list(rows[0]["moved"]) == ["renown", "count", "decayed", "distinct", "pagerank"]
    assert "ring" in CliRunner().invoke(command, arguments).stdout
    assert "slow-drip" in CliRunner().invoke(command, ["--list"]).stdout
    wrong = CliRunner().invoke(command, [str(path), "--format", "higgs", "--sizes", "5,x"])
    assert isinstance(wrong.exception, BadSettingError)
