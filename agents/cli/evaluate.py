"""`renown evaluate`: how well the score and simple rivals foretell who is engaged with next."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.replay import blocks, consumed, setting
from agents.evidence import tables
from agents.evidence.cuts import cuts as cuts_of
from agents.evidence.cuts import horizons as horizons_of
from agents.evidence.evaluation import Plan
from agents.evidence.evaluation import evaluate as evaluated
from agents.evidence.extras import require
from agents.evidence.outcomes import ENGAGERS, OUTCOMES
from agents.ingest.formats import FORMATS
from agents.lookup.shown import show
from agents.recorded import Recorded, recorded
from schemas.errors import BadSettingError, RenownError
from streams.model.parameters import PROFILES, Parameters, model_name, named

F = TypeVar("F", bound=Callable[..., Any])


def recording_options(command: F) -> F:
    """Add FILE, --format, --profile, --set and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set one parameter; repeatable."),
        click.option("--profile", type=click.Choice(list(PROFILES)), default="default", show_default=True),
        click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True),
        click.argument("file", type=click.Path(allow_dash=True)),
    ):
        command = option(command)
    return command


@click.command()
@recording_options
@click.option("--cuts", default="6", show_default=True, help="A number of cuts, RFC 3339 instants, or 84h,96h,…")
@click.option("--horizons", default="6h,24h", show_default=True, help="How far ahead of each cut to look.")
@click.option(
    "--outcome", type=click.Choice(list(OUTCOMES)), default=ENGAGERS, show_default=True, help="For the table."
)
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw the table into this SVG file.")
def evaluate(
    file: str,
    form: str,
    profile: str,
    settings: tuple[str, ...],
    cuts: str,
    horizons: str,
    outcome: str,
    chart: Path | None,
    *,
    as_json: bool,
) -> None:
    """Score the engagements in FILE at several cuts and say how well each score foretells what follows.

    Differences are to `raw`, which ranks leaderboards, with the standard error of the paired differences over cuts.
    Example: renown evaluate higgs-activity_time.txt.gz --format higgs --profile burst --cuts 83h,95h,107h
    """
    require("igraph", *(["matplotlib"] if chart else []))
    if chart is not None:
        _check_chart(chart)
    ahead = horizons_of(horizons)
    parameters, model = model_of(profile, settings)
    found = loaded(file, form)
    at = found.acts.at
    plan = Plan(cuts_of(cuts, float(at.min()), float(at.max()), ahead), ahead, parameters, model)
    with steps("evaluate", len(plan.cuts)) as advance:
        document = evaluated(found, plan, advance)
    if chart is not None:
        from agents.evidence import charts

        charts.save(charts.prediction(document, outcome), chart)
    if as_json:
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    for horizon in document["horizons"]:
        print_table(tables.prediction(document, horizon, outcome))
    for name, meaning in document["scores"].items():
        click.echo(f"{name:14}{meaning}")


def _check_chart(chart: Path) -> None:
    if chart.suffix != ".svg":
        raise BadSettingError("chart", str(chart), "name a file that ends in .svg")
    if not chart.absolute().parent.is_dir():
        raise BadSettingError("chart", str(chart), "its folder does not exist; make it first")


def model_of(profile: str, settings: tuple[str, ...]) -> tuple[Parameters, str]:
    """Return the parameters that were asked for, and the model's name."""
    parameters = named(profile, dict(setting(text) for text in settings))
    return parameters, model_name(profile, parameters)


def loaded(file: str, form: str) -> Recorded:
    """Return the acts in FILE and tell on stderr what was left out; raise RenownError when it holds none."""
    with consumed(file, "read") as advance:
        found = recorded(blocks(file, form, advance))
    if not len(found.acts):
        refused = sum(found.refused.values())
        raise RenownError(f"nothing in {file} could be scored as {form} ({refused:,} refused): check --format")
    refusals = ", ".join(f"{count:,} {reason.value}" for reason, count in sorted(found.refused.items())) or "none"
    people = f"{len(found.acts):,} engagements of {len(found.users):,} users"
    click.echo(f"{people}; refused: {refusals}; {found.repeats:,} repeats", err=True)
    return found


@contextmanager
def steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a meter of steps done that moves a bar on standard error when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def print_table(found: tables.Rows) -> None:
    """Print a table under its title, and an empty line."""
    click.echo(found.title)
    if found.rows:
        show(found.columns, found.rows, sys.stdout)
    else:
        click.echo("not in this recording: it is too short")
    click.echo()
