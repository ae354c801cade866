"""What a measurement tells the person who waits for it: a bar on a terminal, plain lines everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]
QUARTERS = 4


class Shown:
    """Writes to `stream`, which should not be the one that results go to; `label` leads every line."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self.label = ""

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(f"{self.label}{text}", markup=False)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Advance]:
        """Give a function that takes how much of `total` is done."""
        if not self._console.is_terminal:
            yield self._lines(what, total)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(f"{self.label}{what}", total=total)
            yield lambda done: progress.update(task, completed=done)

    def _lines(self, what: str, total: int) -> Advance:
        self.say(what)
        told = 0

        def advance(done: int) -> None:
            nonlocal told
            quarter = done * QUARTERS // max(1, total)
            if quarter > told:
                told = quarter
                self.say(f"{what}: {done:,} of {total:,}")

        return advance
