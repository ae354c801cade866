"""What a long set-up tells the person who waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

Advance = Callable[[int], None]
MEGABYTE = 1_000_000
STEPS = 4


class Report(Protocol):
    """Takes one-line notices and the progress of a download."""

    def say(self, text: str) -> None:
        """Show one line."""

    def download(self, what: str, total: int, /) -> AbstractContextManager[Advance]:
        """Return what to call with each count of bytes that arrived, from any thread; `total` in bytes."""


class Silent:
    """Shows nothing: for tests and for callers that print lines of their own."""

    def say(self, text: str) -> None:
        """Drop the line."""

    @contextmanager
    def download(self, _what: str, _total: int) -> Iterator[Advance]:
        """Drop the counts."""
        yield lambda _count: None


class Shown:
    """A moving bar on a terminal; plain lines, one per quarter, everywhere else."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`, which should not be the one that results go to."""
        self.console = Console(file=stream, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show one line."""
        self.console.print(text, markup=False)

    @contextmanager
    def download(self, what: str, total: int, /) -> Iterator[Advance]:
        """Return a bar, or a line at each quarter of `total`."""
        if not self.console.is_terminal:
            yield self._lines(what, total)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda count: bar.advance(task, count)

    def _lines(self, what: str, total: int) -> Advance:
        self.say(f"{what}: downloading {total / MEGABYTE:.1f} MB")
        lock = threading.Lock()
        arrived = 0

        def advance(count: int) -> None:
            nonlocal arrived
            with lock:
                before, arrived = arrived * STEPS // total, arrived + count
                if arrived * STEPS // total > before:
                    self.say(f"{what}: {arrived / MEGABYTE:.1f} of {total / MEGABYTE:.1f} MB")

        return advance
