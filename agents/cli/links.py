"""`renown link`, `unlink`: several accounts of one person have one score."""

from __future__ import annotations

import asyncio
import getpass
import sys

import click
import orjson

from agents.cli.departures import say, steward_options
from agents.cli.target import data_option, resolve
from agents.departures import NotYetObeyedError
from agents.links import LinkRefusedError, ask
from schemas.errors import BadRecordError, BadSettingError
from schemas.printing import printable


@click.command()
@click.argument("account")
@click.argument("person")
@data_option
@steward_options
def link(account: str, person: str, data: str, by: str | None, timeout_s: float, *, as_json: bool) -> None:
    """Have ACCOUNT be one of the accounts of PERSON, who may be somebody known or a new id.

    What ACCOUNT has received and will receive is PERSON's; what passes between accounts of PERSON counts nothing.
    Returns once that is so everywhere. Example: renown link mastodon:ann github:ann
    """
    said = f"{printable(account)} is linked to {printable(person)}"
    _run(account, person, data, by, timeout_s, said, as_json=as_json)


@click.command()
@click.argument("account")
@data_option
@steward_options
def unlink(account: str, data: str, by: str | None, timeout_s: float, *, as_json: bool) -> None:
    """Have ACCOUNT be nobody's: what it receives from now on is its own, what it brought stays with the person.

    Example: renown unlink mastodon:ann
    """
    _run(account, None, data, by, timeout_s, f"{printable(account)} is linked to nobody", as_json=as_json)


def _run(
    account: str, person: str | None, data: str, by: str | None, timeout_s: float, said: str, *, as_json: bool
) -> None:
    settings = resolve(data)
    try:
        done = asyncio.run(
            ask(settings, account, person, by or getpass.getuser(), timeout_s, lambda left: say(left, quiet=as_json))
        )
    except BadRecordError as error:
        raise BadSettingError("ACCOUNT or PERSON", f"{account} {person or ''}".rstrip(), error.detail) from error
    except (LinkRefusedError, NotYetObeyedError) as error:
        click.echo(f"renown: {printable(str(error))}", err=True)
        sys.exit(1)
    if as_json:
        document = {"account": account, "person": person, "offset": done.offset, "seconds": round(done.seconds_s, 3)}
        click.echo(orjson.dumps(document))
    else:
        click.echo(f"{said}; done everywhere after {done.seconds_s:.1f} s")
