"""`renown topics plan|apply`: what the broker lacks, and creating it."""

from __future__ import annotations

import asyncio
import sys

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.rights.kafka_check import require_rights
from agents.topic_rules import Difference
from agents.topics import apply as apply_topics
from agents.topics import differences
from schemas.access import Operation, Role
from streams.settings import Settings


@click.group()
def topics() -> None:
    """Show or create the topics that Renown needs.

    Example: renown topics plan
    """


@topics.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def plan(data: str, *, as_json: bool) -> None:
    """Print what is missing or different; exit 1 if anything is.

    Example: renown topics plan --json
    """
    found = asyncio.run(_planned(resolve(data)))
    if as_json:
        rows = [{"topic": d.topic.name, "missing": d.missing, "detail": d.detail, "remedy": d.remedy} for d in found]
        click.echo(orjson.dumps(rows))
    else:
        for d in found:
            click.echo(f"{d.topic.name}: {d.detail}; {d.remedy}")
        if not found:
            click.echo("every topic is as it must be")
    sys.exit(1 if found else 0)


@topics.command(name="apply")
@data_option
@click.option("--replication", default=1, show_default=True, help="Replicas of each new topic.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def apply_(data: str, replication: int, *, as_json: bool) -> None:
    """Create every missing topic; never changes one that exists.

    Example: renown topics apply --replication 3
    """
    made = asyncio.run(_applied(resolve(data), replication))
    if as_json:
        click.echo(orjson.dumps({"created": made}))
    else:
        click.echo("\n".join(f"created {name}" for name in made) or "nothing to create")


async def _planned(settings: Settings) -> list[Difference]:
    """Return what is missing or different; a topic that we may not see would look missing."""
    await require_rights(settings, Role.OPERATOR, (Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS))
    return await differences(settings)


async def _applied(settings: Settings, replication: int) -> list[str]:
    await require_rights(settings, Role.OPERATOR)
    return await apply_topics(settings, replication)
