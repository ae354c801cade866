"""`renown worker`: one scorer process; run as many as there are cores, up to the number of partitions."""

from __future__ import annotations

import asyncio
import sys

import click
import uvloop
from prometheus_client import start_http_server

from agents.cli.target import data_option, resolve
from agents.topics import require
from streams import logs
from streams.app import Worker, build
from streams.engine.preflight import preflight
from streams.security import kafka_security
from streams.settings import Settings
from streams.warm import warm


@click.command()
@data_option
@click.option("--log-json", is_flag=True, help="Log as JSON lines.")
def worker(data: str, *, log_json: bool) -> None:
    """Weigh engagements, keep every user's state, and publish scores, until SIGTERM.

    Kernels are compiled and topics checked before the worker joins its group. Example: renown worker
    """
    logs.set_up(json=log_json)
    settings = resolve(data)
    warm()
    asyncio.run(_checked(settings))
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    _run(build(settings), settings)


async def _checked(settings: Settings) -> None:
    """Wait for the broker, then refuse to start when a topic or the broker's fencing is not as it must be."""
    topics = settings.topics
    await preflight(
        settings.bootstrap,
        app_id=topics.app_id,
        changelog=topics.users_changelog.name,
        topics=[topics.engagements.name, topics.credits.name, topics.scores.name],
        partitions=settings.partitions,
        security=kafka_security(settings),
    )
    await require(settings)


def _run(built: Worker, settings: Settings) -> None:
    if settings.metrics_port:
        start_http_server(settings.metrics_port, "127.0.0.1", built.metrics.registry)
    built.app.finalize()
    faust_worker = built.app.Worker(loglevel="WARN", quiet=True, redirect_stdouts=False, blocking_timeout=0)
    sys.exit(faust_worker.execute_from_commandline())
