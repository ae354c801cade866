"""Services under their supervisors: restarted when they fail, stopped when told, never lost."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.errors import PartFailedError
from deploy.local.services import Service, environment, planned
from deploy.local.state import ServiceState, StackState
from deploy.local.supervision import Supervision

SLEEP = "import time; time.sleep(60)"
ENDS_ON_TERM = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("goodbye"))
print("ready", flush=True)
{SLEEP}
"""


def eventually(holds: Callable[[], bool]) -> None:
    """Return once the claim holds; the test fails when it never does."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Running:
    """A supervised piece of Python code."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet."""
        self.supervision = Supervision(folder)
        self.state = StackState(folder, partitions=8)
        self.started: list[ServiceState] = []

    def start(self, code: str, name: str = "worker-0") -> ServiceState:
        """Return the service, once its own process runs."""
        service = Service(name, (sys.executable, "-c", code))
        one = self.supervision.start(service, self.state)
        self.started.append(one)
        self.state = StackState(self.state.data_dir, 8, services=(one,))
        return one

    def pid(self) -> int:
        """Return the pid of the service's own process, waited for."""
        eventually(lambda: self.supervision.service_pid("worker-0") is not None)
        return self.supervision.service_pid("worker-0") or 0

    def log(self) -> str:
        """Return what service and supervisor wrote."""
        return self.supervision.log("worker-0").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Supervised services that end with the test."""
    one = Running(tmp_path)
    yield one
    one.supervision.stop(one.started)


def test_a_killed_service_comes_back_as_another_process(running: Running) -> None:
    """`kill -9` of a worker is an everyday event, not the end of the stream."""
    running.start(SLEEP)
    first = running.pid()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: running.supervision.service_pid("worker-0") not in {None, first})
    assert "ended with -9" in running.log()


def test_a_service_that_cannot_start_is_tried_again_with_growing_pauses(running: Running) -> None:
    """A worker that comes up before its broker must neither give up nor spin."""
    running.start("import sys; sys.exit(3)")
    eventually(lambda: "again in 1.0 s" in running.log())
    assert running.log().index("again in 0.5 s") < running.log().index("again in 1.0 s")


def test_a_service_that_refuses_its_settings_is_not_tried_again(running: Running) -> None:
    """It would refuse them every time, and `up` would wait for nothing."""
    one = running.start("import sys; sys.exit(2)")
    eventually(lambda: not process.is_alive(one.process))
    assert "ended by itself with 2" in running.log()


def test_a_service_that_ends_well_is_not_started_again(running: Running) -> None:
    """Ending with 0 is a decision."""
    one = running.start("")
    eventually(lambda: not process.is_alive(one.process))
    assert "again" not in running.log()


def test_a_stop_reaches_the_service_and_nothing_is_left(running: Running) -> None:
    """A worker commits and leaves its group on SIGTERM; it must get the chance."""
    one = running.start(ENDS_ON_TERM)
    pid = running.pid()
    eventually(lambda: "ready" in running.log())
    assert running.supervision.stop([one]) == ["worker-0"]
    assert process.identify(pid) is None
    assert not process.is_alive(one.process)
    assert running.supervision.service_pid("worker-0") is None
    assert "goodbye" in running.log()


def test_a_stop_between_two_tries_is_not_waited_out(running: Running) -> None:
    """A service in a ten-second pause must not hold `down` up."""
    one = running.start("import sys; sys.exit(3)")
    eventually(lambda: "again in 2.0 s" in running.log())
    running.supervision.stop([one])
    assert running.log().endswith("stopped\n")


def test_a_service_whose_supervisor_was_killed_is_still_stopped(running: Running) -> None:
    """Otherwise a second worker of the same name would start beside the first."""
    one = running.start(SLEEP)
    pid = running.pid()
    os.kill(one.process.pid, signal.SIGKILL)
    process.wait_gone(one.process, 5.0)
    assert process.identify(pid) is not None
    assert running.supervision.stop([one]) == ["worker-0"]
    eventually(lambda: process.identify(pid) is None)


def test_a_service_that_ends_during_start_is_reported_with_its_last_words(running: Running) -> None:
    """`up` must not report success over a worker that refused its settings."""
    service = Service("worker-0", (sys.executable, "-c", "print('ERROR no such setting')"))
    one = running.start("print('ERROR no such setting')")
    eventually(lambda: not process.is_alive(one.process))
    with pytest.raises(PartFailedError, match="ERROR no such setting"):
        running.supervision.wait_ready(service, running.state)


def test_a_service_is_waited_for_until_it_says_that_it_is_ready(running: Running) -> None:
    """A process that runs may still be loading its state."""
    running.start(SLEEP)
    answers = iter([False, False, True])
    service = Service("worker-0", (), ready=lambda _state: next(answers))
    running.supervision.wait_ready(service, running.state)
    assert next(answers, None) is None


def test_a_service_knows_its_stack_by_the_folder_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address left in the environment must not send a worker to another broker."""
    monkeypatch.setenv("RENOWN_BOOTSTRAP", "elsewhere:9092")
    monkeypatch.setenv("RENOWN_PROFILE", "burst")
    seen = environment(Service("x", (), {"EXTRA": "1"}), StackState(tmp_path, 8))
    assert "RENOWN_BOOTSTRAP" not in seen
    assert (seen["RENOWN_DATA"], seen["RENOWN_PROFILE"], seen["EXTRA"]) == (str(tmp_path), "burst", "1")


@pytest.mark.parametrize(("workers", "services"), [(0, 0), (1, 2), (3, 4)])
def test_there_are_as_many_workers_as_asked_for(tmp_path: Path, workers: int, services: int) -> None:
    """One agent writes to Redis beside them; with no workers there is nothing to write."""
    names = {service.name for service in planned(StackState(tmp_path, 8, workers))}
    assert len(names) == services
