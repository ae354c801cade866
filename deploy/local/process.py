"""Child processes that outlive the command which started them, known again by pid and start time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SAME_START_S = 0.5
POLL_S = 0.02
LOG_LIMIT = 16 << 20
FAILURE_WORDS = ("ERROR", "FATAL", "Exception", "Error:", "Fatal", "Failed", "# Could")


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for good: a pid alone may name a stranger later.

    `started_s` counts from the machine's boot, so that setting the clock changes nothing.
    """

    pid: int
    started_s: float


def identify(pid: int) -> Identity | None:
    """Return the identity of the process that has this pid now; None when there is none or only its remains.

    A killed process shows as a zombie while its other threads still hold its ports and files: it counts as
    running until the last of them is gone.
    """
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1:
            return None
        return Identity(pid, round(process.create_time() - psutil.boot_time(), 2))
    except psutil.NoSuchProcess:
        return None


def is_alive(identity: Identity | None) -> bool:
    """Whether this very process still runs."""
    if identity is None:
        return False
    now = identify(identity.pid)
    return now is not None and abs(now.started_s - identity.started_s) < SAME_START_S


def start(argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Identity | None:
    """Start `argv` in a session of its own, output appended to `log`; None when it ended at once.

    Spawned rather than kept as a child object: the starter usually ends before the child does.
    """
    rotate(log)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        dict(os.environ if env is None else env),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    )
    return identify(pid)


def rotate(log: Path) -> None:
    """Move a log over 16 MiB aside, keeping one older one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".1.log"))


def wait_gone(identity: Identity, limit_s: float) -> bool:
    """Whether the process ended within the limit."""
    deadline = time.monotonic() + limit_s
    while is_alive(identity):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def stop(identity: Identity | None, limit_s: float) -> bool:
    """End the process: SIGTERM, then SIGKILL after the limit; whether it ran until now."""
    if identity is None or not is_alive(identity):
        return False
    os.kill(identity.pid, signal.SIGTERM)
    if not wait_gone(identity, limit_s):
        os.kill(identity.pid, signal.SIGKILL)
        wait_gone(identity, limit_s)
    return True


def kill_orphans(leader: Identity, marker: str, value: str) -> int:
    """Kill what an ended leader left in its group; how many those were.

    Group numbers are used again after a restart of the machine, so a member counts as ours only when its
    environment says `marker=value`.
    """
    killed = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == leader.pid and process.environ().get(marker) == value:
                process.kill()
                killed += 1
    return killed


def last_words(log: Path, limit: int = 16_384) -> str:
    """Return the last line of a log that names a failure, else its last line, for an error message."""
    if not log.exists():
        return "no log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - limit))
        text = file.read().decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    failures = [line for line in lines if any(word in line for word in FAILURE_WORDS)]
    return (failures or lines or ["empty log"])[-1]
