"""Processes that outlive their starter, and the promise never to touch a stranger."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.local import process
from deploy.local.process import Identity

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
LEADER_GONE = f"""
import ctypes, threading, time
threading.Thread(target=lambda: exec({SLEEP!r})).start()
time.sleep(0.1)
ctypes.CDLL(None).pthread_exit(None)
"""
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"


class Started:
    """Starts Python code and kills what is left of it at the end."""

    def __init__(self, folder: Path) -> None:
        """Write logs into `folder`."""
        self.folder = folder
        self.all: list[Identity] = []

    def __call__(self, code: str, lines: int = 1, **variables: str) -> Identity:
        """Return the process, once it has written that many lines."""
        log = self.folder / f"{len(self.all)}.log"
        found = process.start((sys.executable, "-c", code), log, {**os.environ, **variables})
        assert found is not None
        self.all.append(found)
        while log.read_text().count("up\n") < lines:
            assert process.is_alive(found), log.read_text()
        return found


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Start processes that end with the test."""
    starter = Started(tmp_path)
    yield starter
    for one in starter.all:
        process.stop(one, 0.0)


def test_a_started_process_is_known_until_it_ends(started: Started) -> None:
    """Status, up and down all rest on this."""
    one = started(SLEEP)
    assert process.is_alive(one)
    assert process.stop(one, 5.0)
    assert not process.is_alive(one)
    assert not process.stop(one, 5.0)


def test_a_recycled_pid_is_a_stranger_and_is_never_stopped(started: Started) -> None:
    """The system gives pids out again; killing by pid alone would kill somebody's editor one day."""
    stranger = started(SLEEP)
    remembered = replace(stranger, started_s=stranger.started_s - 100.0)
    assert not process.is_alive(remembered)
    assert not process.stop(remembered, 0.0)
    assert process.is_alive(stranger)


def test_a_process_that_ignores_sigterm_is_killed_after_the_limit(started: Started) -> None:
    """`down` ends in bounded time."""
    one = started(STUBBORN)
    assert process.stop(one, 0.2)
    assert not process.is_alive(one)


def test_a_zombie_does_not_count_as_running(started: Started) -> None:
    """In containers nobody collects the dead, and a dead broker must not pass for a live one."""
    one = started(SLEEP)
    os.kill(one.pid, signal.SIGKILL)
    assert process.wait_gone(one, 5.0)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="elsewhere a process without its first thread is not seen")
def test_a_process_runs_until_its_last_thread_is_gone(started: Started) -> None:
    """A killed broker's threads hold its ports and its folder for a moment; a start in it would fail."""
    one = started(LEADER_GONE)
    while psutil.Process(one.pid).status() != psutil.STATUS_ZOMBIE:
        assert process.is_alive(one)
    assert process.is_alive(one)


def test_orphans_die_only_with_our_mark(started: Started) -> None:
    """A group number may belong to somebody else after a restart of the machine."""
    leader = started(WITH_CHILD, lines=2, RENOWN_DATA="/ours")
    os.kill(leader.pid, signal.SIGKILL)
    process.wait_gone(leader, 5.0)
    assert process.kill_orphans(leader, "RENOWN_DATA", "/theirs") == 0
    assert process.kill_orphans(leader, "RENOWN_DATA", "/ours") == 1


def test_the_last_words_are_the_failure_not_what_follows_it(tmp_path: Path) -> None:
    """An error message has one line for the cause; a stack trace's last frame is not it."""
    log = tmp_path / "x.log"
    log.write_text("starting\nFATAL disk is full\n\tat kafka.Kafka.main\n")
    assert process.last_words(log) == "FATAL disk is full"


def test_a_large_log_is_moved_aside_and_one_older_one_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of a stack that is used for months stay bounded."""
    monkeypatch.setattr(process, "LOG_LIMIT", 10)
    log = tmp_path / "kafka.log"
    for text in ("first, long enough", "second, long enough"):
        log.write_text(text)
        process.rotate(log)
    assert not log.exists()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["second, long enough"]
