"""A lock between processes that ends with its holder, however the holder ends."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.local.progress import Report


@contextmanager
def held(path: Path, report: Report, awaited: str) -> Iterator[None]:
    """Hold the lock file at `path` exclusively; says `waiting for {awaited}` when somebody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.say(f"waiting for {awaited}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
