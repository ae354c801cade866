"""`renown dlq`: refused records, why, and another try."""

from __future__ import annotations

import asyncio
import base64
import logging
import sys
from collections import Counter
from typing import Any

import click
import orjson

from agents.cli.target import data_option, resolve
from agents.ingest.kafka import connected_producer, partition_count, stopped
from agents.ingest.letters import Filed, filed_letters, tried_again
from agents.ingest.outcomes import Ready
from agents.ingest.publisher import Publisher
from agents.lookup.shown import show
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import RenownError
from schemas.instants import rfc3339
from schemas.printing import printable
from schemas.reasons import Reason
from streams.clock import wall_ms
from streams.security import kafka_security
from streams.settings import Settings

COLUMNS = ("number", "at", "reason", "topic", "partition", "offset", "source", "detail")
DETAIL_CHARS = 80
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")
reason_option = click.option("--reason", type=click.Choice([each.value for each in Reason]), help="Only this reason.")


@click.group()
def dlq() -> None:
    """Look at dead letters and try them again.

    Example: renown dlq list --reason undecodable
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


@dlq.command("list")
@reason_option
@click.option("-n", "count", type=click.IntRange(1), help="Only the newest so many.")
@json_option
@data_option
def list_(reason: str | None, count: int | None, data: str, *, as_json: bool) -> None:
    """List dead letters, oldest first; with --json one line each.

    Example: renown dlq list -n 20
    """
    found = asyncio.run(_found(resolve(data), reason))[-count if count else None :]
    if as_json:
        for each in found:
            click.echo(orjson.dumps(_headers(each)))
    elif found:
        show(COLUMNS, [_row(each) for each in found], sys.stdout)
    else:
        click.echo("no dead letters")


@dlq.command("show")
@click.argument("number", type=click.IntRange(0))
@json_option
@data_option
def show_(number: int, data: str, *, as_json: bool) -> None:
    """Show one dead letter whole, by its number in `renown dlq list`.

    Example: renown dlq show 0 --json
    """
    found = [each for each in asyncio.run(_found(resolve(data), None)) if each.number == number]
    if not found:
        raise RenownError(f"no dead letter {number}; `renown dlq list` shows their numbers")
    document = _headers(found[0])
    value = found[0].letter.value
    if as_json:
        texts = {
            "value": value.decode("utf-8", "backslashreplace"),
            "value_base64": base64.b64encode(value).decode(),
        }
        click.echo(orjson.dumps({**document, **texts}))
        return
    for name, field in document.items():
        click.echo(f"{name:<10}{printable(str(field))}")
    click.echo(f"{'value':<10}{printable(value.decode('utf-8', 'backslashreplace'))}")


@dlq.command()
@click.argument("numbers", nargs=-1, type=click.IntRange(0))
@reason_option
@json_option
@data_option
def retry(numbers: tuple[int, ...], reason: str | None, data: str, *, as_json: bool) -> None:
    """Send dead letters again that today's code can read: all of them, or those with NUMBERS.

    Letters stay in their topic until it forgets them; a second retry is harmless, ids drop repeats.

    Example: renown dlq retry --reason unknown_kind
    """
    settings = resolve(data)
    found = asyncio.run(_found(settings, reason))
    if missing := sorted(set(numbers) - {each.number for each in found}):
        raise RenownError(f"no dead letter {missing[0]}; `renown dlq list` shows their numbers")
    chosen = [each for each in found if not numbers or each.number in numbers]
    sent, refused = asyncio.run(_retried(settings, chosen))
    if as_json:
        click.echo(orjson.dumps({"sent": sent, "refused": dict(refused)}))
        return
    click.echo(f"sent {sent:,} again")
    for name, count in refused.most_common():
        click.echo(f"still refused {count:,}  {name}")


async def _found(settings: Settings, reason: str | None) -> list[Filed]:
    await require_rights(settings, Role.AUDITOR)
    letters = filed_letters(settings.bootstrap, settings.topics.dead_letters.name, **kafka_security(settings))
    return [each async for each in letters if reason in {None, each.letter.reason.value}]


async def _retried(settings: Settings, chosen: list[Filed]) -> tuple[int, Counter[str]]:
    """Send what can be read now; return how many engagements were sent and why others were not."""
    outcomes = [outcome for each in chosen for outcome in tried_again(each.letter)]
    ready = [each for each in outcomes if isinstance(each, Ready)]
    refused = Counter(each.error.reason.value for each in outcomes if not isinstance(each, Ready))
    if not ready:
        return 0, refused
    await require_rights(settings, Role.PRODUCER)
    producer = await connected_producer(settings.bootstrap, **kafka_security(settings))
    try:
        partitions = await partition_count(producer, settings.topics.engagements.name)
        publisher = Publisher(producer, settings.topics, partitions, "dlq", "dlq", wall_ms)
        await publisher.publish(ready)
        await publisher.flush()
    finally:
        await stopped(producer)
    return publisher.tally.sent, refused


def _headers(filed: Filed) -> dict[str, Any]:
    letter = filed.letter
    return {
        "number": filed.number,
        "at": rfc3339(letter.at_ms),
        "reason": letter.reason.value,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "source": letter.source,
        "bytes": len(letter.value),
        "detail": letter.detail,
    }


def _row(filed: Filed) -> tuple[str, ...]:
    texts = {name: str(value) for name, value in _headers(filed).items()}
    # A detail quotes what somebody sent: what is not printable must not reach the terminal.
    quoted = "".join(letter if letter.isprintable() else "�" for letter in texts["detail"])
    texts["detail"] = quoted if len(quoted) <= DETAIL_CHARS else quoted[: DETAIL_CHARS - 1] + "…"
    return tuple(texts[name] for name in COLUMNS)
