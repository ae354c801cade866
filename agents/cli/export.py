"""`renown export`: everything that is known of one user, as one JSON document."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click
import msgspec

from agents.cli.asking import ask, tell_unknown, valid_user
from agents.cli.target import data_option, resolve
from agents.export.held import held
from agents.export.sent import engagements, refused
from agents.lookup.documents import score_document
from agents.lookup.reader import Reader
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.instants import rfc3339
from streams.clock import wall_ms
from streams.settings import Settings


@click.command()
@click.argument("user")
@click.option("--no-input", is_flag=True, help="Leave out raw input: on a busy topic it takes long to search.")
@data_option
def export(user: str, data: str, *, no_input: bool) -> None:
    """Print all that is known of USER as JSON: score, history, moments, table row, pairs, and raw input.

    What the people of pairs are called is not ours to tell: they stand there by keyed hash. Exit 1 when nothing is
    known. Example: renown export github:ann > ann.json
    """
    settings, asked = resolve(data), valid_user(user)
    document = {
        "user": asked,
        "exported_at": rfc3339(wall_ms()),
        **ask(settings, lambda reader: _shown(reader, asked)),
        **asyncio.run(_kept(settings, asked.encode(), raw=not no_input)),
    }
    known = any(document[name] for name in ("score", "row", "engagements", "dead_letters", "remembered_by"))
    if not known:
        tell_unknown([asked])
        return
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


async def _shown(reader: Reader, user: str) -> dict[str, Any]:
    """Return what Redis holds."""
    (score,) = await reader.scores([user])
    return {
        "score": None if score is None else score_document(score),
        "history": [day._asdict() for day in await reader.history(user)],
        "moments": [msgspec.structs.asdict(moment) for moment in await reader.moments(user)],
    }


async def _kept(settings: Settings, user: bytes, *, raw: bool) -> dict[str, Any]:
    """Return what Kafka holds."""
    await require_rights(settings, Role.AUDITOR)
    found = await held(settings, user, _say)
    found["engagements"] = await engagements(settings, user, _say) if raw else None
    found["dead_letters"] = await refused(settings, user) if raw else None
    return found


def _say(left: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{left}", err=True, nl=False)
