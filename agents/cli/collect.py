"""`renown collect`: running sources of engagements."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import click
from aiohttp import web
from prometheus_client import CollectorRegistry

from agents.cli.target import data_option, resolve
from agents.ingest.delivery import Delivery
from agents.ingest.http import PATH, Ingest, build
from agents.ingest.http_metrics import HttpMetrics
from schemas.errors import RenownError
from streams import logs
from streams.clock import wall_ms
from streams.security import kafka_security, require_login
from streams.settings import Settings

HOST = "127.0.0.1"
PORT = 8085
SHUTDOWN_S = 10.0


@click.group()
def collect() -> None:
    """Take in engagements from running sources.

    Example: renown collect http --port 8085
    """


@collect.command()
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 = any free one.")
@data_option
def http(host: str, port: int, data: str) -> None:
    """Take engagements by `POST /v1/engagements`, until SIGTERM; answers once Kafka has acknowledged.

    Example: renown collect http --port 8085
    """
    logs.set_up()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(_serve(resolve(data), host, port))


async def _serve(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal; requests under way are answered before the end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await require_login(settings)
    registry = CollectorRegistry()
    delivery = Delivery(settings.bootstrap, settings.topics, security=kafka_security(settings))
    ingest = Ingest(delivery, HttpMetrics(registry), registry, wall_ms, settings.max_future_skew_s)
    runner = web.AppRunner(build(ingest), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        address = runner.addresses[0]
        sys.stderr.write(f"collect http: listening on http://{address[0]}:{address[1]}{PATH}\n")
        await stop.wait()
    except OSError as error:
        raise RenownError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    finally:
        await runner.cleanup()
