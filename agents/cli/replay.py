"""`renown replay`: scores of a recorded file, offline, by the same kernels as the live pipeline."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.replay_output import OUTPUTS, write
from agents.ingest.formats import FORMATS, higgs, outcomes
from agents.ingest.formats.opening import Meter, stored_bytes
from agents.ingest.outcomes import Refused
from agents.replay import Block, Replayed
from agents.replay import replay as replayed
from schemas.errors import BadRecordError, BadSettingError
from schemas.instants import epoch_ms
from streams.model.parameters import PROFILES, model_name, named

KIB_PER_MIB = 1024


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
@click.option("--as-of", help="Score at this instant: RFC 3339 or epoch ms.  [default: the newest event]")
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="default",
    show_default=True,
    help="Named parameters.",
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set one parameter; may be repeated.")
@click.option(
    "--output",
    type=click.Choice(OUTPUTS),
    default="table",
    show_default=True,
    help="How to write the scores.",
)
@click.option("-n", "count", type=click.IntRange(1), default=20, show_default=True, help="Rows of the table.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of standard output.")
def replay(
    file: str,
    form: str,
    as_of: str | None,
    profile: str,
    settings: tuple[str, ...],
    output: str,
    count: int,
    to: Path | None,
) -> None:
    """Score the engagements in FILE (`-` is standard input; gzip and zstd are recognised) offline.

    Example: renown replay higgs-activity_time.txt.gz --format higgs --profile burst
    """
    started = time.perf_counter()
    parameters = named(profile, dict(setting(text) for text in settings))
    at = None if as_of is None else instant(as_of)
    if output == "parquet" and to is None and sys.stdout.isatty():
        raise BadSettingError("output", output, "a terminal cannot show parquet; add --to FILE")
    with consumed(file, "replay") as advance:
        result = replayed(blocks(file, form, advance), parameters, as_of=at)
    if to is None:
        write(sys.stdout.buffer, result, output, count)
    else:
        with to.open("wb") as sink:
            write(sink, result, output, count)
    _summary(result, model_name(profile, parameters), time.perf_counter() - started)
    if not result.events:
        click.echo(f"renown: nothing in {file} could be scored as {form}: check --format and --as-of", err=True)
        sys.exit(1)


def setting(text: str) -> tuple[str, str]:
    """Return name and value of `NAME=VALUE`; raise BadSettingError for anything else."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadSettingError("set", text, "send NAME=VALUE")
    return name.strip(), value.strip()


def instant(text: str) -> float:
    """Return an instant in seconds since the epoch; raise BadSettingError for what is none."""
    try:
        return epoch_ms(int(text) if text.isdigit() else text, "as_of") / 1000.0
    except BadRecordError as error:
        raise BadSettingError("as-of", text, "send RFC 3339 with offset, or epoch milliseconds") from error


def blocks(file: str, form: str, meter: Meter) -> Iterable[Block]:
    """Yield a file's blocks, in columns where its format has them; raise SourceError when it cannot be read."""
    if form == "higgs":
        yield from higgs.columns(file, meter)
        return
    for block in outcomes(file, form, meter):
        yield [each.error if isinstance(each, Refused) else each.act for each in block]


@contextmanager
def consumed(file: str, what: str) -> Iterator[Meter]:
    """Give a meter of stored bytes that moves a bar named `what` on standard error when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=stored_bytes(file))
        yield lambda stored: progress.update(task, completed=stored)


def _summary(result: Replayed, model: str, seconds: float) -> None:
    refused = ", ".join(f"{count:,} {reason.value}" for reason, count in sorted(result.refused.items())) or "none"
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB
    later = f"; {result.later:,} after --as-of" if result.later else ""
    click.echo(
        f"{result.events:,} events of {len(result.users):,} users, "
        f"{result.calibration.users:,} scored by {model}; "
        f"refused: {refused}; {result.repeats:,} repeats{later}; "
        f"{seconds:.2f} s, {result.events / seconds:,.0f} events/s, peak memory {peak_mib:,.0f} MiB",
        err=True,
    )
