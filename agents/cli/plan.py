"""`renown plan`: what a load needs, from measured costs."""

from __future__ import annotations

import math
from dataclasses import asdict

import click
import orjson
from rich.console import Console

from agents.operations.capacity.costs import Measured, measured
from agents.operations.capacity.needs import GIB, USED, Load, Needs, needs

MIB = 2.0**20


@click.command()
@click.option(
    "--events-per-second", type=click.FloatRange(0, min_open=True), required=True, help="Engagements, for long."
)
@click.option("--users", type=click.IntRange(1), required=True, help="People who act or are acted upon.")
@click.option("--pairs", type=click.FloatRange(0), default=10.0, show_default=True, help="Others each deals with.")
@click.option("--worker-memory", type=click.FloatRange(1), default=16, show_default=True, help="GiB a worker may have.")
@click.option("--standbys", type=click.IntRange(0), default=1, show_default=True, help="Warm copies of each partition.")
@click.option("--replication", type=click.IntRange(1), default=3, show_default=True, help="Copies in Kafka.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def plan(
    events_per_second: float,
    users: int,
    pairs: float,
    worker_memory: float,
    standbys: int,
    replication: int,
    *,
    as_json: bool,
) -> None:
    """Say how many partitions and workers a load needs, and what memory, Kafka and Redis.

    From costs measured on the machine that it names; yours may be faster. Plan for the peak of the day.

    Example: renown plan --events-per-second 1000 --users 1000000
    """
    if not all(map(math.isfinite, (events_per_second, pairs, worker_memory))):
        raise click.BadParameter("must be a number", param_hint="--events-per-second, --pairs or --worker-memory")
    load, costs = Load(events_per_second, users, pairs, worker_memory * GIB, standbys, replication), measured()
    found = needs(load, costs.costs)
    if as_json:
        document = {
            "load": asdict(load),
            "needs": asdict(found),
            "measured_by": costs.command,
            "machine": costs.machine,
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        Console(highlight=False, soft_wrap=True).print("\n".join(_lines(found, costs)), markup=False)


def _lines(found: Needs, costs: Measured) -> list[str]:
    """Return the plan as lines of name and value."""
    rows = {
        "workers": f"{found.workers:,}, each one core and {_size(found.worker_memory_bytes)} of memory",
        "partitions": f"{found.partitions:,}",
        "scoring agents": f"{found.scoring_agents:,}, for up to {found.scores_per_s:,.0f} scores a second",
        "Redis": f"{_size(found.redis_memory_bytes)} of memory, {found.redis_cores_used:.2f} cores busy",
        "Kafka, all brokers": f"{_size(found.kafka_disk_bytes)} of disk, {found.kafka_cores_used:.1f} cores busy, "
        f"{found.kafka_write_bytes_per_s / MIB:,.1f} MiB/s written",
    }
    lines = [f"{name:<20}{value}" for name, value in rows.items()]
    lines += [f"note: {note}" for note in found.notes]
    where = f"{costs.machine.get('cpu', 'a machine')}, {costs.machine.get('cores', '?')} cores"
    return [*lines, f"Planned for {USED:.0%} busy cores; costs measured by `{costs.command}` on {where}."]


def _size(size: float) -> str:
    """Return bytes in a unit that leaves few digits.

    >>> _size(3 * 2**20), _size(2.5 * 2**30)
    ('3 MiB', '2.5 GiB')
    """
    return f"{size / MIB:,.0f} MiB" if size < GIB else f"{size / GIB:,.1f} GiB"
