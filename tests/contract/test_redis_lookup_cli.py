"""`renown score`, `top`, `explain`, `history` on a real Redis: output and exit codes that other programs rely on."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from click.testing import CliRunner, Result

from agents.cli.lookup import explain, history, score, top
from agents.scoring.entries import newest
from agents.scoring.writer import ScoreWriter, connected
from deploy.local import ports
from schemas.errors import RenownError
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Moment, Parts, Score

pytestmark = pytest.mark.integration
NOON_MS = 1_790_000_000_000
USERS = ("x:a", "x:b", "y:😀[red]")


def _score(user: str, raw: float) -> Score:
    return Score(
        user=user, score=12.3, target_score=14.25, raw=raw, relationships=3.0, momentum=10 - raw, reach=4.0,
        percentile=61.5, provisional=True,
        parts=Parts(like=raw / 3, share=raw / 3, mention=0, reply=raw / 3, relationships=0),
        counts_7d=Counts(like=2, share=1), moments=(Moment(0, 2, "like", NOON_MS, 0.5),), as_of=NOON_MS,
        version=1, model="default@00000000",
    )  # fmt: skip


@pytest.fixture
def run(redis_url: str, own_prefix: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Give a command line that reads three users' scores; Kafka is away."""

    async def written() -> None:
        redis = connected(redis_url)
        entries = newest((user, _score(user, raw)) for raw, user in enumerate(USERS, 1))
        await ScoreWriter(redis, RedisKeys(own_prefix)).write(0, entries, None, 1)
        await redis.aclose()

    asyncio.run(written())
    monkeypatch.setenv("RENOWN_DATA", "/nowhere/at/all")
    monkeypatch.setenv("RENOWN_BOOTSTRAP", f"{ports.HOST}:{ports.pick()}")
    monkeypatch.setenv("RENOWN_REDIS_URL", redis_url)
    monkeypatch.setenv("RENOWN_REDIS_PREFIX", own_prefix)
    return CliRunner()


def _lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_known_users_are_printed_and_a_missing_one_fails_the_command(run: CliRunner) -> None:
    """A script must see the failure, and the scores that there are."""
    result = run.invoke(score, ["x:a", "x:nobody", "y:😀[red]", "--json"])
    assert result.exit_code == 1
    assert [line["user"] for line in _lines(result)] == ["x:a", "y:😀[red]"]
    assert result.stderr.count("\n") == 1
    assert "x:nobody" in result.stderr


def test_json_of_a_score_has_the_contracts_fields(run: CliRunner) -> None:
    """Other programs read them by name."""
    (found,) = _lines(run.invoke(score, ["x:a", "--json"]))
    told_apart = {"moments", "produced_at_ms", "emitted_at_ms"}
    assert set(found) == {each.name for each in msgspec.structs.fields(Score)} - told_apart | {"change_1d", "change_7d"}


def test_the_leaderboard_is_one_document_in_order(run: CliRunner) -> None:
    """Ordered by raw, cut to a network where asked."""
    everybody = json.loads(run.invoke(top, ["--json"]).stdout)
    assert [(each["rank"], each["user"]) for each in everybody] == [(1, "y:😀[red]"), (2, "x:b"), (3, "x:a")]
    assert [each["user"] for each in json.loads(run.invoke(top, ["--network", "x", "-n", "1", "--json"]).stdout)] == [
        "x:b"
    ]
    assert "y:😀[red]" in run.invoke(top).stdout


def test_the_momentum_board_is_ordered_by_momentum(run: CliRunner) -> None:
    """Who rises now leads there, whoever has the most mass; boards of networks are by mass only."""
    rising = json.loads(run.invoke(top, ["--momentum", "--json"]).stdout)
    assert [(each["rank"], each["user"], each["momentum"]) for each in rising] == [
        (1, "x:a", 9),
        (2, "x:b", 8),
        (3, "y:😀[red]", 7),
    ]
    assert [each["user"] for each in json.loads(run.invoke(top, ["--momentum", "-n", "1", "--json"]).stdout)] == ["x:a"]
    both = run.invoke(top, ["--momentum", "--network", "x"])
    assert isinstance(both.exception, RenownError)


def test_an_explanation_works_without_kafka(run: CliRunner) -> None:
    """Names of moments are an extra; the reasons are not."""
    found = json.loads(run.invoke(explain, ["x:a", "--json"]).stdout)
    assert round(sum(part["percent"] for part in found["parts"].values()), 6) == 100
    assert found["moments"][0]["actor"] is None
    result = run.invoke(explain, ["x:a"])
    assert result.exit_code == 0
    assert "Received in seven days: 2 likes, 1 share, 0 mentions, 0 replies." in result.stdout


def test_history_lists_days(run: CliRunner) -> None:
    """One score per UTC day."""
    found = json.loads(run.invoke(history, ["x:a", "--json"]).stdout)
    assert found == {"user": "x:a", "days": [{"day": "2026-09-21", "score": 12.3}]}


@pytest.mark.parametrize("command", [score, explain, history])
def test_an_unknown_user_is_one_line_and_exit_code_1(run: CliRunner, command: object) -> None:
    """Never a traceback, never an empty success."""
    result = run.invoke(command, ["x:nobody"])  # type: ignore[arg-type]
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
