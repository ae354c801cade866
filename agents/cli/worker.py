"""`renown worker`: one scorer process; run as many as there are cores, up to the number of partitions."""

from __future__ import annotations

import asyncio
import sys

import click
import uvloop
from aiokafka.errors import KafkaError
from prometheus_client import start_http_server

from agents.cli.target import data_option, resolve
from agents.rights.kafka_check import not_permitted, require_rights
from agents.topics import require
from schemas.access import Role
from streams import logs
from streams.app import Worker, build
from streams.engine.crashpoints import arm
from streams.engine.failure import end_process
from streams.engine.preflight import connected, preflight, say_on_stderr
from streams.security import kafka_security
from streams.settings import Settings
from streams.warm import warm


@click.command()
@data_option
@click.option("--log-json", is_flag=True, help="Log as JSON lines.")
def worker(data: str, *, log_json: bool) -> None:
    """Weigh engagements, keep every user's state, and publish scores, until SIGTERM.

    Topics are checked and kernels compiled before the worker joins its group. Example: renown worker
    """
    logs.set_up(json=log_json)
    settings = resolve(data)
    arm()
    try:
        asyncio.run(_checked(settings))
    except (KafkaError, OSError) as error:
        end_process(error)
    warm()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    _run(build(settings), settings)


async def _checked(settings: Settings) -> None:
    """Wait for the broker, then refuse to start when rights, a topic or the fencing are not as they must be."""
    client = await connected(settings.bootstrap, kafka_security(settings), say_on_stderr)
    await client.close()
    await require_rights(settings, Role.WORKER)
    try:
        await _fits(settings)
    except KafkaError as error:
        if (denied := not_permitted(error, settings, Role.WORKER)) is not None:
            raise denied from error
        raise


async def _fits(settings: Settings) -> None:
    topics = settings.topics
    await require(settings)
    await preflight(
        settings.bootstrap,
        app_id=topics.app_id,
        changelog=topics.users_changelog.name,
        topics=[topics.engagements.name, topics.credits.name, topics.scores.name],
        partitions=settings.partitions,
        security=kafka_security(settings),
    )


def _run(built: Worker, settings: Settings) -> None:
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host, built.metrics.registry)
    built.app.finalize()
    faust_worker = built.app.Worker(loglevel="WARN", quiet=True, redirect_stdouts=False, blocking_timeout=0)
    sys.exit(faust_worker.execute_from_commandline())
