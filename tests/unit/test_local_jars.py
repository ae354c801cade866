"""The jar cache: checked at every use, filled once, never left half filled."""

import hashlib
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.errors import ChecksumMismatchError, PartFailedError
from deploy.local.lockfile import LockedJar
from deploy.local.progress import Advance, Silent

CONTENT = {"kafka_2.13": b"broker", "kafka-clients": b"clients"}
LOCKED = tuple(
    LockedJar("org.apache.kafka", name, "9.9.9", len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENT.items()
)


class Repository:
    """Serves CONTENT as the network would, and remembers what was asked for."""

    def __init__(self) -> None:
        """Serve everything."""
        self.content = dict(CONTENT)
        self.asked: list[str] = []

    def download(self, jar: LockedJar, work: Path, advance: Advance) -> Path:
        """Write the jar into `work`; OSError when there is none."""
        self.asked.append(jar.artifact)
        if jar.artifact not in self.content:
            raise ConnectionError(jar.artifact)
        path = work / jar.file_name
        path.write_bytes(self.content[jar.artifact])
        advance(jar.size)
        return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the jars of LOCKED are kept in."""
    monkeypatch.setenv("RENOWN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kafka-9.9.9"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return a repository in place of the network."""
    served = Repository()
    monkeypatch.setattr(jars, "download", served.download)
    return served


@pytest.mark.usefixtures("folder")
def test_a_second_stack_downloads_nothing(repository: Repository) -> None:
    """The cache lies outside the data folder for this."""
    first = jars.ensure(Silent(), LOCKED)
    assert sorted(repository.asked) == sorted(CONTENT)
    assert jars.ensure(Silent(), LOCKED) == first
    assert sorted(repository.asked) == sorted(CONTENT)


def test_a_tampered_jar_refuses_in_one_line_with_file_and_both_sums(folder: Path, repository: Repository) -> None:
    """Whoever changed a jar in the cache gets it run by the next start, unless the start refuses."""
    jars.ensure(Silent(), LOCKED)
    victim = folder / LOCKED[1].file_name
    victim.write_bytes(b"clientS")
    repository.asked.clear()
    with pytest.raises(ChecksumMismatchError) as caught:
        jars.ensure(Silent(), LOCKED)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(victim), LOCKED[1].sha256, hashlib.sha256(b"clientS").hexdigest(), "delete"):
        assert part in message
    assert repository.asked == []


def test_a_download_with_other_bytes_never_enters_the_cache(folder: Path, repository: Repository) -> None:
    """A poisoned mirror must not leave something behind for a later start."""
    repository.content["kafka-clients"] = b"poison!"
    with pytest.raises(ChecksumMismatchError):
        jars.ensure(Silent(), LOCKED)
    assert not (folder / LOCKED[1].file_name).exists()
    assert not list(folder.glob(".part-*"))


def test_an_interrupted_download_goes_on_where_it_stopped(folder: Path, repository: Repository) -> None:
    """Slow links fail midway; what arrived is kept and only the rest is asked for again."""
    del repository.content["kafka-clients"]
    with pytest.raises(PartFailedError, match="jars that arrived are kept"):
        jars.ensure(Silent(), LOCKED)
    assert [path.name for path in folder.glob("*.jar")] == [LOCKED[0].file_name]
    repository.content = dict(CONTENT)
    repository.asked.clear()
    jars.ensure(Silent(), LOCKED)
    assert repository.asked == ["kafka-clients"]


@pytest.mark.usefixtures("repository")
def test_what_a_killed_download_left_is_cleared_by_the_next(folder: Path) -> None:
    """Each try leaves megabytes behind otherwise."""
    left = folder / ".part-left"
    left.mkdir(parents=True)
    (left / "half.jar").write_bytes(b"half")
    jars.ensure(Silent(), LOCKED)
    assert not left.exists()


def test_a_stray_jar_in_the_cache_is_not_loaded(folder: Path, repository: Repository) -> None:
    """Only files with a locked sum may reach the class path."""
    jars.ensure(Silent(), LOCKED)
    (folder / "stray.jar").write_bytes(b"stray")
    assert {path.name for path in jars.ensure(Silent(), LOCKED)} == {jar.file_name for jar in LOCKED}
    assert repository.asked


def test_the_cache_follows_its_variables_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Our own variable wins over the desktop's, which wins over the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RENOWN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert jars.cache_root() == tmp_path / ".cache" / "renown"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert jars.cache_root() == tmp_path / "xdg" / "renown"
    monkeypatch.setenv("RENOWN_CACHE", str(tmp_path / "own"))
    assert jars.cache_root() == tmp_path / "own"
