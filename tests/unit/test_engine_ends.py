"""How a worker ends: named crash points, exit codes, one clear line, names it leans on."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.transport.drivers import aiokafka as driver

from schemas.errors import BadSettingError, BrokenGuaranteeError, FencedError
from streams.engine.crashpoints import POINTS, CrashPlan, arm, reach
from streams.engine.failure import EX_SOFTWARE, EX_TEMPFAIL, exit_code, one_line
from streams.engine.log_noise import OnceInAWhile
from streams.engine.private_names import check_private_names


@pytest.mark.parametrize("text", ["nowhere", "claimed:x", "claimed:1:2"])
def test_an_unknown_crash_point_refuses_to_start(text: str) -> None:
    """A misspelt point would make its test pass by never dying."""
    with pytest.raises(BadSettingError, match="RENOWN_CRASH_POINT"):
        CrashPlan(text)


def test_a_crash_point_counts_its_visits() -> None:
    """The nth barrier is where dirty state exists."""
    plan = CrashPlan("claimed:3")
    assert [plan.visit(name) for name in ("claimed", "recovered", "claimed", "claimed")] == [
        False,
        False,
        False,
        True,
    ]


def test_without_a_plan_every_point_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production sets no variable."""
    monkeypatch.delenv("RENOWN_CRASH_POINT", raising=False)
    arm()
    reach("claimed")


def test_a_line_is_said_once_in_a_while() -> None:
    """A broker that is away must not fill the disk with one sentence."""
    now = [0.0]
    once = OnceInAWhile(30, lambda: now[0])

    def says(text: str) -> bool:
        return once.filter(logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, (), None))

    assert [says("away"), says("away"), says("other")] == [True, False, True]
    now[0] = 31
    assert says("away")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FencedError("x"), EX_TEMPFAIL),
        (KafkaTimeoutError("x"), EX_TEMPFAIL),
        (ConnectionError("x"), EX_TEMPFAIL),
        (BrokenGuaranteeError("x"), EX_SOFTWARE),
        (ZeroDivisionError("x"), EX_SOFTWARE),
    ],
)
def test_the_exit_code_says_whether_a_restart_helps(error: Exception, code: int) -> None:
    """A supervisor restarts at once or gives up by it; never 0."""
    assert exit_code(error) == code
    assert one_line(error).startswith("stopped: ")
    assert "\n" not in one_line(error)


def test_a_missing_private_name_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Faust without one of them would lose events silently."""
    check_private_names()
    monkeypatch.delattr(driver, "server_list")
    with pytest.raises(BadSettingError, match=r"lacks .*server_list; install faust-streaming 0\.15\.3"):
        check_private_names()


LOGGING_WORKER = """
import logging, sys, threading, time
from schemas.errors import FencedError
from streams.engine.failure import end_process
logging.basicConfig(stream=sys.stderr)
def chatter():
    while True:
        logging.warning("chatter")
for _ in range(4):
    threading.Thread(target=chatter, daemon=True).start()
time.sleep(0.2)
end_process(FencedError("users-0: another worker owns it now"))
"""


def test_the_reason_is_the_last_line_whatever_else_is_logged() -> None:
    """Other threads still log when a worker ends; a reason spliced into their lines is found by nobody."""
    done = subprocess.run([sys.executable, "-c", LOGGING_WORKER], capture_output=True, text=True, check=False)
    assert done.returncode == EX_TEMPFAIL
    last = done.stderr.splitlines()[-1]
    assert last.startswith("renown worker stopped: users-0: another worker owns it now. Restart")
    assert done.stderr.endswith("\n")


def test_every_point_of_the_registry_is_passed_and_every_passed_point_is_in_it() -> None:
    """A point that nobody passes, or that nobody may name, tests nothing."""
    root = Path(__file__).parents[2]
    sources = [path.read_text() for part in ("streams", "agents") for path in (root / part).rglob("*.py")]
    passed = [name for text in sources for name in re.findall(r'\breach\("(\w+)"\)', text)]
    assert sorted(passed) == sorted(POINTS)
