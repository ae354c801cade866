"""`renown topics plan|apply`: what the broker lacks, and creating it."""

from __future__ import annotations

import asyncio
import sys

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.topics import apply as apply_topics
from agents.topics import differences


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
    found = asyncio.run(differences(resolve(data)))
    if as_json:
        click.echo(orjson.dumps([{"topic": d.topic.name, "missing": d.missing, "detail": d.detail} for d in found]))
    else:
        for d in found:
            click.echo(f"{d.topic.name}: {d.detail}")
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
    made = asyncio.run(apply_topics(resolve(data), replication))
    if as_json:
        click.echo(orjson.dumps({"created": made}))
    else:
        click.echo("\n".join(f"created {name}" for name in made) or "nothing to create")
