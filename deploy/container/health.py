"""Whether the service of this container does its work: exit code 0 when it does.

`python -m deploy.container.health worker` looks at RENOWN_READY_FILE, which a worker writes anew about every
second while it scores; `python -m deploy.container.health URL` asks a service that answers over HTTP.
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


def trouble(service: str) -> str:
    """Return what keeps `service`, "worker" or the URL of its health, from being well; empty when nothing does."""
    return _of_worker(os.environ.get("RENOWN_READY_FILE", "")) if service == WORKER else _of_url(service)


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
