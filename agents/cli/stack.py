"""`renown up`, `down` and `status`: the local stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from agents.local_topics import create_topics
from deploy.local.errors import StackError
from deploy.local.progress import Shown
from deploy.local.stack import DEFAULT_PARTITIONS, DEFAULT_WORKERS, Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.status import PartStatus, StackStatus

Answer = TypeVar("Answer")

data_option = click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(os.environ.get("RENOWN_DATA") or ".renown"),
    show_default="RENOWN_DATA, else .renown",
    help="The folder that holds the stack.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


@click.command()
@data_option
@click.option("--workers", type=click.IntRange(0, 64), default=DEFAULT_WORKERS, show_default=True)
@click.option(
    "--partitions",
    type=click.IntRange(1, 1024),
    help=f"Partitions of every keyed topic, chosen once per data folder.  [default: {DEFAULT_PARTITIONS}]",
)
@json_option
def up(data_dir: Path, workers: int, partitions: int | None, *, as_json: bool) -> None:
    """Start Kafka, Redis, the workers and the scoring agent, or those of them that do not run.

    Example: renown up --workers 4 --data /tmp/renown
    """
    stack = Stack(data_dir, Shown(sys.stderr))
    _or_exit(lambda: stack.up(workers=workers, partitions=partitions, after_brokers=create_topics))
    _show(stack.status(), as_json=as_json)


@click.command()
@data_option
@json_option
def down(data_dir: Path, *, as_json: bool) -> None:
    """Stop everything that runs; topics, tables and scores stay and come back with `renown up`.

    Example: renown down --data /tmp/renown
    """
    stack = Stack(data_dir, Shown(sys.stderr))
    stopped = _or_exit(stack.down)
    if as_json:
        _print_json({"data_dir": str(stack.data_dir), "stopped": stopped})
    else:
        click.echo(f"stopped: {', '.join(stopped)}" if stopped else f"nothing ran in {data_dir}")


@click.command()
@data_option
@json_option
def status(data_dir: Path, *, as_json: bool) -> None:
    """Show what runs and where; exit 1 when anything does not.

    Example: renown status --json
    """
    found = _or_exit(Stack(data_dir).status)
    _show(found, as_json=as_json)
    if not found.running:
        broken = ", ".join(f"{part.name} {part.problem}" for part in found.parts if not part.running)
        click.echo(f"renown: not running: {broken or 'no stack'} ({data_dir}): run `renown up`", err=True)
        sys.exit(1)


def _or_exit(action: Callable[[], Answer]) -> Answer:
    """Return what the action returns; a StackError becomes one line on stderr and exit code 1."""
    try:
        return action()
    except StackError as error:
        click.echo(f"renown: {error}", err=True)
        raise SystemExit(1) from error


def _show(found: StackStatus, *, as_json: bool) -> None:
    if as_json:
        _print_json(found.document())
    else:
        for part in found.parts:
            click.echo(_line(part))


def _line(part: PartStatus) -> str:
    shown = part.problem or f"running, pid {part.pid}"
    return f"{part.name:<12} {part.version:<8} {part.address:<28} {shown}".rstrip()


def _print_json(document: dict[str, Any]) -> None:
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
