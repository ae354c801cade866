"""`renown monitor`: lag, calibration and the population, seen from outside, as Prometheus metrics."""

from __future__ import annotations

import logging

import click
import uvloop

from agents.cli.target import data_option, resolve
from agents.operations.monitor.service import serve
from schemas.errors import BadSettingError
from streams import logs


@click.command()
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Port of metrics.  [default: RENOWN_METRICS_PORT]")
@click.option("--every", "every_s", type=click.FloatRange(0.5), default=5.0, show_default=True, help="Seconds a look.")
@click.option("--sample", type=click.IntRange(1), default=500, show_default=True, help="Users of a population sample.")
@data_option
def monitor(data: str, metrics_port: int | None, every_s: float, sample: int) -> None:
    """Export how far each stage is behind and how scores are spread, until SIGTERM; one is enough.

    Reads Kafka as an auditor and Redis as a reader; what the workers do costs nothing by it.

    Example: renown monitor --metrics-port 9465
    """
    logs.set_up()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    settings = resolve(data)
    port = metrics_port or settings.metrics_port
    if not port:
        raise BadSettingError("RENOWN_METRICS_PORT", port, "nobody could read what it sees; give --metrics-port")
    uvloop.run(serve(settings, port, every_s, sample))
