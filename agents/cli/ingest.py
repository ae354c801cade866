"""`renown ingest`: recorded engagements into Kafka."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from aiokafka import AIOKafkaProducer

from agents.cli.ingest_output import forecast, progress, summary
from agents.cli.target import data_option, resolve
from agents.ingest.formats import FORMATS, outcomes
from agents.ingest.formats.opening import SourceError
from agents.ingest.kafka import KafkaAwayError, connected_producer, partition_count, stopped
from agents.ingest.pace import AsRecorded, Pace, Rhythm
from agents.ingest.position import Position
from agents.ingest.publisher import Publisher
from agents.ingest.rehearsal import Rehearsal
from agents.ingest.run import after, publish_all
from agents.ingest.tally import Tally
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import BadSettingError, RenownError
from streams.clock import wall_ms
from streams.security import kafka_security
from streams.settings import Settings, load

INTERRUPTED = 130
STATE_FOLDER = "ingest"


@dataclass(frozen=True, slots=True)
class _Job:
    path: str
    form: str
    pace: Rhythm
    wait_s: float
    from_start: bool

    def require(self) -> None:
        """Raise SourceError unless there is something to read; a named pipe counts."""
        if self.path != "-" and (not Path(self.path).exists() or Path(self.path).is_dir()):
            raise SourceError(f"{self.path}: no such file; name a readable file, or - for standard input")

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
@click.option("--as-recorded", is_flag=True, help="Keep the distances in time at which the events occurred.")
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), default=1.0, help="With --as-recorded: so many times as fast."
)
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be refused and why. Needs no Kafka.")
@click.option("--from-start", is_flag=True, help="Begin anew where an interrupted run would be gone on with.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document on stdout.")
@data_option
def ingest(
    file: str, form: str, rate: float | None, wait_s: float, speed: float, data: str,
    *, as_recorded: bool, dry_run: bool, from_start: bool, as_json: bool,
) -> None:  # fmt: skip
    """Publish the engagements in FILE (`-` is standard input; gzip and zstd are recognised) to Kafka.

    Refused records go to the dead-letter topic with their reason. Ctrl-C stops cleanly: what was sent is sent, and the
    same command goes on there, as it does after kill -9.

    Example: renown ingest events.jsonl.gz --rate 5000
    """
    if as_recorded and rate is not None:
        raise BadSettingError("--rate", rate, "goes without --as-recorded; --speed changes that")
    job = _Job(file, form, AsRecorded(speed) if as_recorded else Pace(rate), wait_s, from_start)
    if dry_run:
        sys.exit(_rehearsed(job, load(os.environ), as_json=as_json))
    sys.exit(_published(job, resolve(data), Path(data), as_json=as_json))


def _rehearsed(job: _Job, settings: Settings, *, as_json: bool) -> int:
    """Return the exit code of a dry run."""
    job.require()
    rehearsal = Rehearsal(wall_ms, int(settings.max_future_skew_s * 1000))
    with progress(job.path, rehearsal.tally) as bar:
        rehearsal.run(outcomes(job.path, job.form, bar.consumed), bar.refresh)
    forecast(rehearsal, as_json=as_json)
    return 0 if rehearsal.tally.sent else 1


def _published(job: _Job, settings: Settings, data: Path, *, as_json: bool) -> int:
    """Return the exit code of a run that sends."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its outages are told by our own errors
    tally, started = Tally(), time.monotonic()
    failure, stop = None, False
    try:
        stop = asyncio.run(_run(job, settings, data, tally))
    except BadSettingError:
        raise
    except RenownError as error:
        failure = error
    summary(tally, time.monotonic() - started, as_json=as_json)
    if failure is not None:
        click.echo(f"renown: {failure}", err=True)
    elif not tally.sent:
        click.echo(f"renown: nothing in {job.path} could be sent as {job.form}: check --format", err=True)
    if stop:
        return INTERRUPTED
    return 0 if tally.sent and failure is None else 1


async def _run(job: _Job, settings: Settings, data: Path, tally: Tally) -> bool:
    """Publish the job's file into `tally`; return whether a signal ended it early."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    job.require()
    connecting = asyncio.ensure_future(_connected(settings, job.wait_s))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not connecting.done():
        connecting.cancel()
        return True
    stopping.cancel()
    producer = connecting.result()
    try:
        topic = settings.topics.engagements.name
        partitions = await partition_count(producer, topic)
        publisher = Publisher(
            producer, settings.topics, partitions, job.form, job.origin, wall_ms, max(job.wait_s, 1.0), tally
        )
        position = Position(data / STATE_FOLDER, job.path, job.form, f"{settings.bootstrap} {topic}")
        await _sent(job, publisher, position, stop)
    finally:
        await stopped(producer)
    return stop.is_set()


async def _sent(job: _Job, publisher: Publisher, position: Position, stop: asyncio.Event) -> None:
    """Publish what is after the position; afterwards it is where the run stopped, or gone when all is sent."""
    if job.from_start:
        position.begin_anew()
    if position.start:
        click.echo(f"renown: going on after {position.start:,} events; --from-start begins anew", err=True)
    done = False
    try:
        with progress(job.path, publisher.tally) as bar:
            blocks = after(outcomes(job.path, job.form, bar.consumed), position.start)
            await publish_all(blocks, publisher, job.pace, stop, bar.refresh, position.reached)
        done = not stop.is_set()
    finally:
        position.close(done=done)
        if not done and position.complaint:
            click.echo(f"renown: {position.complaint}", err=True)
        elif not done and position.kept:
            click.echo(f"renown: stopped after {position.kept:,} events; the same command goes on there", err=True)


async def _connected(settings: Settings, wait_s: float) -> AIOKafkaProducer:
    """Return a started producer; BadSettingError when Kafka, which may come late, refuses this user."""
    await require_rights(settings, Role.PRODUCER)
    try:
        return await connected_producer(settings.bootstrap, wait_s, **kafka_security(settings))
    except KafkaAwayError:
        await require_rights(settings, Role.PRODUCER)
        raise
