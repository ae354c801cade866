"""Whether the service of this container does its work: exit code 0 when it does.

`python -m deploy.container.health worker` looks at RENOWN_READY_FILE, which a worker writes anew about every
second while it scores; `worker-alive` is content with a worker that recovers and so has no file: for an orchestrator
that restarts what is not alive. `python -m deploy.container.health URL` asks a service that answers over HTTP.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Final

STALE_AFTER_S: Final = 60.0
ANSWER_LIMIT_S: Final = 4.0
WORKER: Final = "worker"
WORKER_ALIVE: Final = "worker-alive"
_START_FIELD: Final = 19
"""Of /proc/PID/stat, counted from behind the name: the start in ticks since the machine's."""


def trouble(service: str) -> str:
    """Return what keeps `service` from being well, empty when nothing does.

    `service` is "worker", "worker-alive" or the URL of its health.
    """
    ready_file = os.environ.get("RENOWN_READY_FILE", "")
    if service == WORKER:
        return _of_worker(ready_file)
    return _of_living(ready_file) if service == WORKER_ALIVE else _of_url(service)


def _of_living(ready_file: str) -> str:
    """Return what is wrong with a worker that scored before and no longer says so.

    A file may outlive the process that wrote it, in a container that was started again: it says nothing then.
    """
    try:
        age_s = time.time() - Path(ready_file).stat().st_mtime
        wrote_it = _age_s(Path(ready_file).read_text(encoding="ascii")) >= age_s
    except (FileNotFoundError, IsADirectoryError):
        return ""
    return f"{ready_file} is {age_s:.0f} s old: the worker hangs" if wrote_it and age_s > STALE_AFTER_S else ""


def _age_s(pid: str) -> float:
    """Return for how long the process has run, 0 when there is none."""
    try:
        ticks = int(Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[_START_FIELD])
    except (OSError, ValueError, IndexError):
        return 0.0
    return float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def _of_worker(ready_file: str) -> str:
    if not ready_file:
        return "RENOWN_READY_FILE is not set"
    try:
        age_s = time.time() - Path(ready_file).stat().st_mtime
    except FileNotFoundError:
        return f"{ready_file} is not there: the worker is not ready"
    return f"{ready_file} is {age_s:.0f} s old: the worker hangs" if age_s > STALE_AFTER_S else ""


def _of_url(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S) as answer:  # noqa: S310 - an operator's own address
            status = answer.status
    except (urllib.error.URLError, TimeoutError) as error:
        return f"{url}: {error}"
    return "" if status == HTTPStatus.OK else f"{url}: status {status}"


def main() -> None:
    """Say what is wrong on standard error and exit 1, or exit 0."""
    found = trouble(sys.argv[1])
    sys.exit(f"health: {found}" if found else 0)


if __name__ == "__main__":
    main()
