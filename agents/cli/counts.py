"""`renown counts`: an audit of the tables, one line per user."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import click
import orjson

from agents.calibration_feed import read_calibration
from agents.cli.target import data_option, resolve
from agents.rights.kafka_check import require_rights
from agents.tables import tables
from schemas.access import Role
from schemas.instants import epoch_ms
from schemas.kinds import KINDS
from schemas.printing import printable
from streams.engine.partition import Partition
from streams.formula import parameters_of
from streams.model.parameters import Parameters
from streams.model.scoring import raw
from streams.settings import Settings


@click.command()
@click.option("--output", type=click.Choice(["jsonl", "table"]), default="jsonl", show_default=True)
@click.option("--as-of", help="Instant at which masses are read, RFC 3339 or epoch ms.  [default: stream time]")
@data_option
def counts(data: str, output: str, as_of: str | None) -> None:
    """Print what the tables hold of every user: counts received and given, raw mass, shown score.

    Reads the changelog, so it shows what is durable; run `renown drain` before to see everything.
    Example: renown counts --output jsonl
    """
    at_ms = None if as_of is None else epoch_ms(int(as_of) if as_of.isdigit() else as_of, "--as-of")
    asyncio.run(_print(resolve(data), output, at_ms))


async def _print(settings: Settings, output: str, at_ms: int | None) -> None:
    await require_rights(settings, Role.AUDITOR)
    if at_ms is None:
        reports, _ = await read_calibration(settings)
        at_ms = max((report.as_of for report in reports.values()), default=0)
    parameters = parameters_of(settings)
    async for partition in tables(settings):
        for line in _lines(partition, at_ms / 1000, parameters):
            if output == "jsonl":
                sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
            else:
                received, given = (sum(line[side].values()) for side in ("received", "given"))
                numbers = f"{received:>9} got {given:>9} gave {line['raw']:>12.4f} {line['score']:>6.1f}"
                click.echo(f"{printable(line['user']):<40} {numbers}")
    sys.stdout.flush()


def _lines(partition: Partition, at_s: float, parameters: Parameters) -> Iterator[dict[str, Any]]:
    rows = partition.state.live()
    columns = (rows["received"].tolist(), rows["given"].tolist(), raw(rows, at_s, parameters).tolist())
    shown = rows["shown"].clip(1.0).round(1).tolist()
    for user, received, given, mass, score in zip(partition.index.keys(), *columns, shown, strict=True):
        if not user:
            continue  # somebody who left
        yield {
            "user": user.decode(),
            "received": dict(zip(KINDS, received, strict=True)),
            "given": dict(zip(KINDS, given, strict=True)),
            "raw": mass,
            "score": score,
        }
