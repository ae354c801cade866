"""`renown opt-out`, `opt-in`, `forget`: a way out that deletes, and the way back."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable
from typing import Any

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.departures import Name, NotYetObeyedError, ask
from schemas.errors import BadRecordError, BadSettingError
from schemas.printing import printable


def steward_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command of a steward takes."""
    for option in (
        click.option("--by", help="Who asks, for the record.  [default: the system's user name]"),
        click.option("--timeout", "timeout_s", default=60.0, show_default=True, help="Seconds to wait at most."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ):
        command = option(command)
    return command


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("user")(data_option(steward_options(command)))


@click.command("opt-out")
@_options
def opt_out(user: str, data: str, by: str | None, timeout_s: float, *, as_json: bool) -> None:
    """Delete all that is known of USER, and drop what comes by or about USER from now on.

    Returns once USER is gone from Redis, leaderboards, tables, the scores topic and others' memory. The list of those
    who left holds keyed hashes only. Example: renown opt-out github:ann
    """
    _run("opt_out", user, data, by, timeout_s, "left; what comes by or about this user is dropped", as_json=as_json)


@click.command("opt-in")
@_options
def opt_in(user: str, data: str, by: str | None, timeout_s: float, *, as_json: bool) -> None:
    """Let USER, who opted out, count again: events from now on, nothing from before.

    Example: renown opt-in github:ann
    """
    _run("opt_in", user, data, by, timeout_s, "counts again from now on", as_json=as_json)


@click.command()
@_options
def forget(user: str, data: str, by: str | None, timeout_s: float, *, as_json: bool) -> None:
    """Delete all that is known of USER; events from now on count as those of somebody new.

    Example: renown forget github:ann
    """
    _run("forget", user, data, by, timeout_s, "forgotten; events from now on count anew", as_json=as_json)


def _run(name: Name, user: str, data: str, by: str | None, timeout_s: float, said: str, *, as_json: bool) -> None:
    settings = resolve(data)
    try:
        done = asyncio.run(
            ask(settings, name, user, by or getpass.getuser(), timeout_s, lambda left: say(left, quiet=as_json))
        )
    except BadRecordError as error:
        raise BadSettingError("USER", user, error.detail) from error
    except NotYetObeyedError as error:
        click.echo(f"renown: {error}", err=True)
        sys.exit(1)
    if as_json:
        document = {"user": user, "command": name, "offset": done.offset, "seconds": round(done.seconds_s, 3)}
        click.echo(orjson.dumps(document))
    else:
        click.echo(f"{printable(user)} {said}; done everywhere after {done.seconds_s:.1f} s")


def say(left: str, *, quiet: bool) -> None:
    """Show in place on a terminal what is still waited for."""
    if not quiet and sys.stderr.isatty():
        click.echo(f"\r\033[K{left}", err=True, nl=False)
