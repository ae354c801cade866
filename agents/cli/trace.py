"""`renown trace`: one engagement followed through the pipeline."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import asdict

import click
import orjson
from aiokafka.errors import KafkaError
from redis.exceptions import RedisError

from agents.cli.target import data_option, resolve
from agents.operations.trace.follow import Mark, follow
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import RenownError
from schemas.instants import rfc3339
from schemas.printing import printable
from streams.clock import wall_ms
from streams.settings import Settings

HOUR_MS = 3_600_000


@click.command()
@click.argument("event_id")
@click.option(
    "--hours", type=click.FloatRange(0, 24 * 365), default=24.0, show_default=True, help="How far to look back."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@data_option
def trace(event_id: str, hours: float, data: str, *, as_json: bool) -> None:
    """Say where an engagement is: sent, refused, weighed, scored, readable; exit 1 when nobody sent it.

    Reads the engagements of the last hours, so it takes a while where there are many. An act that was sent twice is
    weighed once. Example: renown trace blog:like:1 --hours 2
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    marks = asyncio.run(_followed(resolve(data), event_id, wall_ms() - round(hours * HOUR_MS)))
    if as_json:
        click.echo(orjson.dumps([asdict(mark) for mark in marks], option=orjson.OPT_INDENT_2))
    else:
        for mark in marks:
            click.echo(_line(mark))
    if not marks:
        click.echo(f"renown: no engagement {printable(event_id)} in the last {hours:g} hours", err=True)
    sys.exit(0 if marks else 1)


async def _followed(settings: Settings, event_id: str, since_ms: int) -> list[Mark]:
    await require_rights(settings, Role.AUDITOR)
    try:
        return await follow(settings, event_id, since_ms)
    except (KafkaError, RedisError, OSError) as error:
        raise RenownError(f"cannot follow it: {error!s:.200}; `renown doctor` says what is wrong") from error


def _line(mark: Mark) -> str:
    return printable(f"{mark.step:<9} {rfc3339(mark.at_ms)}  {mark.place}  {mark.detail}")
