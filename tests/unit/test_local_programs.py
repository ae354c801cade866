"""Which Java and which Redis are used, and what they are told."""

from pathlib import Path

import pytest

from deploy.local import java, kafka_config, redis
from deploy.local.errors import PartFailedError
from deploy.local.kafka import new_cluster_id
from deploy.local.redis import RedisBinary


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on PATH, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, says: str, stream: int) -> None:
    """Put a program at `path` that prints `says` on standard output (1) or error (2)."""
    path.write_text(f"#!/bin/sh\necho '{says}' >&{stream}\n")
    path.chmod(0o755)


@pytest.mark.usefixtures("on_path")
def test_an_empty_path_is_enough() -> None:
    """A fresh machine has Python and nothing else; the packaged programs serve."""
    assert java.find().name == "java"
    assert redis.find().major >= 6


def test_a_recent_redis_on_path_is_preferred(on_path: Path) -> None:
    """It is newer than the packaged one and kept up to date by the system."""
    program(on_path / "redis-server", "Redis server v=7.2.4 sha=0", 1)
    assert redis.find() == RedisBinary(on_path / "redis-server", "7.2.4")


@pytest.mark.parametrize("says", ["Redis server v=6.2.99 sha=0", "not a Redis at all"])
def test_an_old_or_strange_redis_on_path_is_passed_over(on_path: Path, says: str) -> None:
    """Only version 7 and later are worth more than the packaged one."""
    program(on_path / "redis-server", says, 1)
    assert redis.find().path.parent != on_path


def test_java_on_path_serves_when_none_is_packaged(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a Java need not install another."""
    monkeypatch.setattr(java, "packaged", lambda: None)
    program(on_path / "java", 'openjdk version "21.0.2" 2024-01-16', 2)
    assert java.find() == on_path / "java"


@pytest.mark.parametrize("says", [None, 'openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0"', "?"])
def test_too_old_a_java_is_refused_with_the_remedy(
    on_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None
) -> None:
    """The broker's own message about class file versions helps nobody."""
    monkeypatch.setattr(java, "packaged", lambda: None)
    if says is not None:
        program(on_path / "java", says, 2)
    with pytest.raises(PartFailedError, match=r"install renown\[local\]"):
        java.find()


@pytest.mark.parametrize(("version", "word"), [("6.2.14", "ziplist"), ("7.2.4", "listpack"), ("8.0", "listpack")])
def test_users_are_stored_compactly_under_the_name_the_version_knows(version: str, word: str) -> None:
    """A server refuses to start over a setting that it does not know."""
    chosen = redis.settings(RedisBinary(Path("/r"), version), 20_001, Path("/d"))
    assert chosen[f"hash-max-{word}-value"] == "1024"
    assert chosen["bind"] == "127.0.0.1"


def test_the_broker_listens_on_the_loopback_alone() -> None:
    """The local stack has no passwords."""
    text = kafka_config.properties(20_001, 20_002, Path("/d"))
    addresses = [line for line in text.splitlines() if "20001" in line or "20002" in line]
    assert len(addresses) == 3
    assert all("127.0.0.1:2000" in line for line in addresses)


def test_topics_appear_only_when_asked_for() -> None:
    """A topic made by accident would have one partition, and keys would land elsewhere than planned."""
    assert kafka_config.SETTINGS["auto.create.topics.enable"] == "false"


def test_a_folder_with_any_letters_can_hold_topics() -> None:
    """Settings files are read as Latin 1: other letters need escapes."""
    assert "log.dirs=/home/jos\\u00e9/x\n" in kafka_config.properties(1, 2, Path("/home/josé/x"))


def test_a_cluster_id_never_looks_like_an_option() -> None:
    """The formatting tool takes it on its command line."""
    assert not any(new_cluster_id().startswith("-") for _ in range(500))
