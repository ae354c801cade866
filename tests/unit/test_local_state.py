"""What a data folder remembers, and how commands find the stack in it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import process, state
from deploy.local.errors import NoStackError, StackError
from deploy.local.process import Identity
from deploy.local.state import KafkaState, RedisState, ServiceState, StackState


@pytest.fixture
def full(tmp_path: Path) -> StackState:
    """Return a state with every field set; its broker is this very process, so it counts as running."""
    return StackState(
        data_dir=tmp_path,
        partitions=12,
        workers=3,
        kafka=KafkaState(20_001, 20_002, "cluster", "4.3.1", process.identify(os.getpid())),
        redis=RedisState(20_003, "7.2.4", Identity(11, 2.5)),
        services=(ServiceState("worker-0", Identity(12, 3.5)),),
    )


def test_what_is_saved_is_loaded(full: StackState) -> None:
    """Ports and processes must be found again by the next command."""
    state.save(full)
    assert state.load(full.data_dir) == full


def test_a_folder_without_a_stack_holds_no_state(tmp_path: Path) -> None:
    """A first start is not an error."""
    assert state.load(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"format": 99}', b'{"format": 1, "kafka": 3}'])
def test_an_unreadable_state_names_the_file_and_the_remedy(tmp_path: Path, content: bytes) -> None:
    """Guessing ports or pids from a damaged file could stop the wrong process."""
    state.path_in(tmp_path).write_bytes(content)
    with pytest.raises(StackError, match=str(state.path_in(tmp_path))):
        state.load(tmp_path)


def test_connect_gives_the_addresses_of_a_running_stack(full: StackState) -> None:
    """Every other command begins with this."""
    state.save(full)
    found = state.connect(full.data_dir)
    assert found.bootstrap_servers == "127.0.0.1:20001"
    assert found.redis_url == "redis://127.0.0.1:20003/0"


def test_connect_takes_the_folder_from_the_environment(full: StackState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services are told their stack this way."""
    state.save(full)
    monkeypatch.setenv("RENOWN_DATA", str(full.data_dir))
    assert state.connect() == full


def test_connect_to_nothing_tells_how_to_start(tmp_path: Path) -> None:
    """The usual first mistake is to ask for a score before `renown up`."""
    with pytest.raises(NoStackError, match="run `renown up --data"):
        state.connect(tmp_path)


def test_connect_refuses_a_stack_that_was_stopped_or_died(full: StackState) -> None:
    """Otherwise a command would wait for a port that nobody serves."""
    assert full.kafka is not None
    dead = Identity(os.getpid(), -100.0)
    for identity in (None, dead):
        state.save(replace(full, kafka=replace(full.kafka, process=identity)))
        with pytest.raises(NoStackError):
            state.connect(full.data_dir)
