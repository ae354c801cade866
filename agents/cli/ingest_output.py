"""What `renown ingest` shows: a progress bar on a terminal, then a summary for people or programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from agents.ingest.formats.opening import stored_bytes
from agents.ingest.rehearsal import Rehearsal
from agents.ingest.tally import Tally


class Bar:
    """A progress bar by stored bytes, with the counts so far beside it; silent when stderr is no terminal."""

    def __init__(self, progress: Progress, total: int | None, tally: Tally) -> None:
        self._progress, self._tally = progress, tally
        self._task = progress.add_task("ingest", total=total, sent=0, refused=0)

    def consumed(self, stored: int) -> None:
        """Move the bar to `stored` bytes."""
        self._progress.update(self._task, completed=stored)

    def refresh(self) -> None:
        """Show the counts as they are now."""
        self._progress.update(self._task, sent=self._tally.sent, refused=self._tally.refused_total)


@contextmanager
def progress(path: str, tally: Tally) -> Iterator[Bar]:
    """Give a bar that is shown meanwhile."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        DownloadColumn(),
        TextColumn("sent {task.fields[sent]:,}  refused {task.fields[refused]:,}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        yield Bar(shown, stored_bytes(path), tally)


def summary(tally: Tally, seconds: float, *, as_json: bool) -> None:
    """Tell what was sent and what was refused."""
    rate = tally.sent / seconds if seconds > 0 else 0.0
    if as_json:
        document = {
            "sent": tally.sent,
            "refused": tally.by_reason(),
            "seconds": round(seconds, 3),
            "events_per_s": round(rate, 1),
        }
        click.echo(orjson.dumps(document))
        return
    click.echo(f"sent     {tally.sent:>12,}  in {seconds:.2f} s, {rate:,.0f} events/s")
    for reason, count in tally.by_reason().items():
        click.echo(f"refused  {count:>12,}  {reason}")


def forecast(rehearsal: Rehearsal, *, as_json: bool) -> None:
    """Tell what would be sent, what refused and why."""
    if as_json:
        click.echo(orjson.dumps(rehearsal.document()))
        return
    click.echo(f"would send    {rehearsal.tally.sent:>12,}")
    for reason, count in rehearsal.tally.refused.most_common():
        click.echo(f"would refuse  {count:>12,}  {reason.value}")
        for each in rehearsal.examples[reason]:
            place = f"line {each.place}: " if each.place else ""
            click.echo(f"                            {place}{each.detail}")
