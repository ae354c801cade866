"""`renown ingest`: recorded engagements into Kafka."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.target import data_option, resolve
from agents.ingest.formats import FORMATS, outcomes
from agents.ingest.formats.opening import SourceError, stored_bytes
from agents.ingest.kafka import KafkaAwayError, connected_producer, partition_count, stopped
from agents.ingest.publisher import Publisher
from agents.ingest.run import Pace, publish_all
from agents.ingest.tally import Tally
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import BadSettingError, RenownError
from streams.clock import wall_ms
from streams.security import kafka_security
from streams.settings import Settings

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Job:
    path: str
    form: str
    rate: float | None
    wait_s: float

    def is_there(self) -> bool:
        """Whether there is something to read; a named pipe counts."""
        return self.path == "-" or (Path(self.path).exists() and not Path(self.path).is_dir())

    @property
    def origin(self) -> str:
        """Return the source's name in dead letters: its last part, never a machine's folders."""
        return "stdin" if self.path == "-" else Path(self.path).name


@click.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="jsonl",
    show_default=True,
    help="What FILE holds.",
)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Events a second.  [default: as fast as possible]"
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    help="Seconds to wait for Kafka.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document on stdout.")
@data_option
def ingest(file: str, form: str, rate: float | None, wait_s: float, data: str, *, as_json: bool) -> None:
    """Publish the engagements in FILE (`-` is standard input; gzip and zstd are recognised) to Kafka.

    Refused records go to the dead-letter topic with their reason. Ctrl-C stops cleanly: what was sent is sent.

    Example: renown ingest events.jsonl.gz --rate 5000
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its outages are told by our own errors
    settings = resolve(data)
    tally, started = Tally(), time.monotonic()
    failure, stop = None, False
    try:
        stop = asyncio.run(_run(_Job(file, form, rate, wait_s), settings, tally))
    except BadSettingError:
        raise
    except RenownError as error:
        failure = error
    _summary(tally, time.monotonic() - started, as_json=as_json)
    if failure is not None:
        click.echo(f"renown: {failure}", err=True)
    elif not tally.sent:
        click.echo(f"renown: nothing in {file} could be sent as {form}: check --format", err=True)
    if stop:
        sys.exit(INTERRUPTED)
    sys.exit(0 if tally.sent and failure is None else 1)


async def _run(job: _Job, settings: Settings, tally: Tally) -> bool:
    """Publish the job's file into `tally`; return whether a signal ended it early."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not job.is_there():
        raise SourceError(f"{job.path}: no such file; name a readable file, or - for standard input")
    connecting = asyncio.ensure_future(_connected(settings, job.wait_s))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not connecting.done():
        connecting.cancel()
        return True
    stopping.cancel()
    producer = connecting.result()
    try:
        partitions = await partition_count(producer, settings.topics.engagements.name)
        publisher = Publisher(
            producer, settings.topics, partitions, job.form, job.origin, wall_ms, max(job.wait_s, 1.0), tally
        )
        with _progress(job.path, tally) as bar:
            blocks = outcomes(job.path, job.form, bar.consumed)
            await publish_all(blocks, publisher, Pace(job.rate), stop, bar.refresh)
    finally:
        await stopped(producer)
    return stop.is_set()


async def _connected(settings: Settings, wait_s: float) -> AIOKafkaProducer:
    """Return a started producer; BadSettingError when Kafka, which may come late, refuses this user."""
    await require_rights(settings, Role.PRODUCER)
    try:
        return await connected_producer(settings.bootstrap, wait_s, **kafka_security(settings))
    except KafkaAwayError:
        await require_rights(settings, Role.PRODUCER)
        raise


class _Bar:
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
def _progress(path: str, tally: Tally) -> Iterator[_Bar]:
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        DownloadColumn(),
        TextColumn("sent {task.fields[sent]:,}  refused {task.fields[refused]:,}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield _Bar(progress, stored_bytes(path), tally)


def _summary(tally: Tally, seconds: float, *, as_json: bool) -> None:
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
