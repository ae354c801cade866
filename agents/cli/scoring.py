"""`renown scoring`: scores from Kafka into Redis."""

from __future__ import annotations

import logging

import click
import uvloop

from agents.cli.target import data_option, resolve
from agents.scoring.service import serve
from streams import logs
from streams.clock import wall_ms


@click.command()
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Port of metrics.  [default: RENOWN_METRICS_PORT]")
@click.option("--rebuild", is_flag=True, help="Empty Redis first (its daily history too) and write every score anew.")
@data_option
def scoring(data: str, metrics_port: int | None, *, rebuild: bool) -> None:
    """Write every score into Redis, newest first to win, until SIGTERM; says `scoring: ready` on stderr.

    An outage of Redis is waited out; a Redis that comes back empty is filled again.

    Example: renown scoring --data .renown
    """
    logs.set_up()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    settings = resolve(data)
    port = settings.metrics_port if metrics_port is None else metrics_port
    uvloop.run(serve(settings, wall_ms, rebuild=rebuild, metrics_port=port))
