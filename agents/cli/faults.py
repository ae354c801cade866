"""`renown faults`: breaks a pipeline in every known way and counts what was lost or counted twice."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import orjson
from rich.console import Console

from agents.bench.progress import Shown
from agents.faults.bed import Bed
from agents.faults.catalogue import FAULTS, chosen
from agents.faults.fault import Fault
from agents.faults.outcome import Outcome, table
from agents.faults.suite import tried
from agents.rig.ending import undisturbed
from deploy.local.progress import Shown as Notices
from schemas.errors import BadSettingError

TABLE_WIDTH = 120
"""Columns; a narrower table would cut the names of the faults."""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="Only name the faults.")
@click.option("--quick", is_flag=True, help="Only the ten-minute selection.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other seeds, other moments.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; else a temporary one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def faults(names: tuple[str, ...], seed: int, keep: Path | None, *, listed: bool, quick: bool, as_json: bool) -> None:
    """Try every fault, or those NAMED, on a Kafka, a Redis and workers of its own; exit 1 when a promise breaks.

    Example: renown faults kill zombie --json
    """
    known = [fault.name for fault in FAULTS]
    for name in names:
        if name not in known:
            raise BadSettingError("fault", name, f"name some of {', '.join(known)}")
    selected = chosen(names, quick=quick)
    if listed:
        show(selected, as_json=as_json)
        return
    outcomes = []
    with bed(keep) as made:
        shown = Shown(sys.stderr)
        for outcome in tried(selected, made, seed, shown.say):
            outcomes.append(outcome)
            shown.say(told(outcome))
    sys.exit(report(outcomes, as_json=as_json))


def show(selected: Sequence[Fault], *, as_json: bool) -> None:
    """Print names and titles."""
    if as_json:
        click.echo(orjson.dumps([{"name": fault.name, "title": fault.title} for fault in selected]))
        return
    for fault in selected:
        click.echo(f"{fault.name:20} {fault.title}")


@contextmanager
def bed(keep: Path | None) -> Iterator[Bed]:
    """Yield where a suite runs; everything is stopped afterwards, and gone unless `keep` names a folder."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="renown-faults-") as name:
        made = Bed((keep or Path(name)).absolute(), Notices(sys.stderr))
        try:
            yield made
        finally:
            with undisturbed():
                made.close()


def told(outcome: Outcome) -> str:
    """Return an outcome in a line, and a line for every broken promise."""
    if outcome.not_tried:
        return f"  not tried: {outcome.not_tried}"
    counts = f"{outcome.counted:,} of {outcome.events:,} counted, {outcome.lost} lost, {outcome.doubled} doubled"
    line = f"  {'kept' if outcome.kept else 'BROKEN'}: {counts}; {outcome.seconds_s:.0f} s"
    broken = [f"    {name}: {count}" for name, count in outcome.faults.items()]
    noted = [f"    {note}" for note in outcome.notes]
    return "\n".join([line, *noted, *broken, *(f"    {problem}" for problem in outcome.problems)])


def report(outcomes: Sequence[Outcome], *, as_json: bool) -> int:
    """Print the table and what broke below it, or one document; return the exit code: 1 when anything was not kept."""
    kept = all(outcome.kept for outcome in outcomes)
    if as_json:
        document = {"kept": kept, "faults": [outcome.document() for outcome in outcomes]}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        console = Console(highlight=False)
        console.width = max(console.width, TABLE_WIDTH)
        console.print(table(outcomes))
        for outcome in outcomes:
            if not outcome.kept:
                console.print(f"{outcome.name}\n{told(outcome)}", markup=False, soft_wrap=True)
    return 0 if kept else 1
