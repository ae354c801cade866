"""How a worker ends when Kafka fails it before it has joined: a restart helps, and the exit code says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, LeaderNotAvailableError, RequestTimedOutError
from click.testing import CliRunner

from agents import topics
from agents.cli import worker as command
from schemas.errors import BadSettingError
from streams.engine import preflight
from streams.engine.failure import exit_code
from streams.settings import Settings


class EndedError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("failure", [RequestTimedOutError(), ConnectionResetError()])
def test_a_broker_that_fails_a_start_is_worth_another(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """A traceback and exit code 1 would tell a supervisor of a bug."""

    async def checked(_: Settings) -> None:
        raise failure

    def ended(error: BaseException) -> None:
        raise EndedError(exit_code(error))

    monkeypatch.setattr(command, "_checked", checked)
    monkeypatch.setattr(command, "end_process", ended)
    done = CliRunner().invoke(command.worker, [], env={"RENOWN_BOOTSTRAP": "nowhere:1", "RENOWN_DATA": "nowhere"})
    assert isinstance(done.exception, EndedError)
    assert done.exception.args == (75,)


class Client:
    """Knows what each metadata update in turn tells; None = the update failed."""

    def __init__(self, *told: dict[str, int] | None) -> None:
        self.told = list(told)
        self.cluster = SimpleNamespace(partitions_for_topic=lambda topic: range(self.known.get(topic, 0)))
        self.known: dict[str, int] = {}

    def add_topic(self, _: str) -> None:
        """Be asked about a topic from now on."""

    async def force_metadata_update(self) -> bool:
        """Learn what is told next."""
        told = self.told.pop(0)
        self.known = told or {}
        return told is not None


async def _checked(*told: dict[str, int] | None) -> None:
    await preflight._check_topics(Client(*told), ["a", "b"], 8)  # type: ignore[arg-type]


async def test_a_topic_that_is_not_known_yet_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that has just started tells of topics bit by bit; refusing would need somebody to come."""
    monkeypatch.setattr(preflight, "FIRST_PAUSE_S", 0.0)
    await _checked({"a": 8}, {"a": 8, "b": 8})
    with pytest.raises(BadSettingError, match=r"b.*does not exist"):
        await _checked(*[{"a": 8}] * preflight.ATTEMPTS)
    with pytest.raises(BadSettingError, match="has 4 partitions, must have 8"):
        await _checked({"a": 8, "b": 4})
    with pytest.raises(KafkaError):
        await _checked(None)


def test_a_topic_whose_leader_is_not_known_yet_is_not_called_missing() -> None:
    """`renown topics apply` would not help."""
    topic: dict[str, Any] = {"topic": "a", "partitions": []}
    assert topics._is_sound({**topic, "error_code": 0})
    assert not topics._is_sound({**topic, "error_code": 3})
    with pytest.raises(LeaderNotAvailableError):
        topics._is_sound({**topic, "error_code": 5})


def test_a_connection_that_closed_under_uvloop_is_worth_another_start() -> None:
    """It comes as a bare RuntimeError, as a bug of ours does."""
    closed = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    assert (exit_code(closed), exit_code(RuntimeError("a bug"))) == (75, 70)
