"""`renown doctor`: everything that a deployment stands on, looked at in turn."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.operations.doctor import kafka, machine, redis
from agents.operations.doctor.finding import Finding
from schemas.access import KAFKA_ROLES, Role
from schemas.printing import printable
from streams import logs
from streams.settings import Settings


@click.command()
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice([role.value for role in KAFKA_ROLES]),
    default=[Role.AUDITOR.value],
    show_default=True,
    help="Roles whose rights this user is to have; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@data_option
def doctor(data: str, roles: tuple[str, ...], *, as_json: bool) -> None:
    """Check settings, machine, Kafka, rights, topics, Redis, clock and lag; exit 1 when anything is wrong.

    Changes nothing. Example: renown doctor --role worker
    """
    logs.set_up()
    settings = resolve(data)
    found = asyncio.run(_examined(settings, [Role(role) for role in roles]))
    if as_json:
        click.echo(orjson.dumps([asdict(finding) for finding in found], option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join(map(_line, found)))
    sys.exit(0 if all(finding.well for finding in found) else 1)


async def _examined(settings: Settings, roles: list[Role]) -> list[Finding]:
    found = list(machine.examine())
    found += [finding async for finding in kafka.examine(settings, roles)]
    return found + [finding async for finding in redis.examine(settings)]


def _line(finding: Finding) -> str:
    mark = "well " if finding.well else "FAULT"
    text = f"{mark} {finding.check}: {finding.detail}"
    return printable(text if finding.well else f"{text}; {finding.remedy}")
