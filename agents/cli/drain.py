"""`renown drain`: waits until every event sent so far is scored and readable."""

from __future__ import annotations

import asyncio
import sys

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.drain import DrainTimeoutError
from agents.drain import drain as wait_for_drain


@click.command()
@data_option
@click.option("--timeout", "timeout_s", default=120.0, show_default=True, help="Seconds to wait at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def drain(data: str, timeout_s: float, *, as_json: bool) -> None:
    """Return when every event sent so far is scored and readable in Redis; exit 1 when time is over.

    Example: renown drain --timeout 60
    """
    try:
        done = asyncio.run(wait_for_drain(resolve(data), timeout_s, lambda left: _say(left, quiet=as_json)))
    except DrainTimeoutError as error:
        click.echo(f"renown: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(orjson.dumps({"seconds": round(done.seconds_s, 3), "engagements": done.engagements}))
    else:
        click.echo(f"drained: {done.engagements:,} engagements scored and readable, after {done.seconds_s:.1f} s")


def _say(left: str, *, quiet: bool) -> None:
    if not quiet and sys.stderr.isatty():
        click.echo(f"\r\033[K{left}", err=True, nl=False)
