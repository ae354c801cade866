"""The commands `renown collect <source>`: a source's fields as options, and its collector as a running process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any

import click
from prometheus_client import CollectorRegistry, start_http_server

from agents.cli.target import data_option, resolve
from agents.ingest.live.collector import Collector
from agents.ingest.live.contract import Broker, Source
from agents.ingest.live.metrics import CollectMetrics
from agents.ingest.live.publishing import publisher_of
from agents.ingest.live.state import State
from agents.rights.kafka_check import require_rights
from agents.sources import source_class
from schemas.access import Role
from streams import logs
from streams.clock import wall_ms
from streams.security import kafka_security
from streams.settings import Settings

STATE_FOLDER = "collect"


def source_command(name: str) -> click.Command:
    """Return `renown collect <name>`; its options are the fields of the source's class."""
    found = source_class(name)

    def run(data: str, cursor: str | None, **own: Any) -> None:
        logs.set_up()
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        settings = resolve(data)
        source = found(**own, **_broker(found, settings))
        with State(Path(data) / STATE_FOLDER, name, source.feed, getattr(source, "remember", 0)) as state:
            if cursor is not None:
                state.commit(cursor, 0)
            asyncio.run(_collect(name, source, state, settings))

    example = getattr(found, "example", f"renown collect {name}")
    help_text = f"{meaning_of(found)}\n\nGoes on where it stopped, until SIGTERM.\n\nExample: {example}"
    command = click.Command(name, callback=run, help=help_text, params=[_parameter(each) for each in options_of(found)])
    start = click.option("--cursor", help="Begin after this cursor of the feed.  [default: where it stopped, else now]")
    return data_option(start(command))


def meaning_of(found: type[Source]) -> str:
    """Return the first line of a source's docstring."""
    return (found.__doc__ or "").strip().partition("\n")[0]


def options_of(found: type[Source]) -> list[Field[Any]]:
    """Return the fields of a source's class that are options or arguments."""
    return [each for each in fields(found) if "meaning" in each.metadata]  # type: ignore[arg-type] # all are dataclasses


def _broker(found: type[Source], settings: Settings) -> dict[str, Broker]:
    """Return the pipeline's Kafka for a source that reads from it."""
    wants = any(each.name == "broker" for each in fields(found))  # type: ignore[arg-type] # all are dataclasses
    return {"broker": Broker(settings.bootstrap, kafka_security(settings))} if wants else {}


def _parameter(one: Field[Any]) -> click.Parameter:
    default, least = one.default, one.metadata["at_least"]
    if one.metadata["is_argument"]:
        return click.Argument([one.name], nargs=-1, required=True, metavar=f"{one.name.upper()}...")
    several = isinstance(default, tuple)
    flag = f"--{one.name.replace('_', '-')}"
    kind: Any = str if several else type(default)
    if least is not None:
        kind = click.IntRange(int(least)) if kind is int else click.FloatRange(least)
    shown: Any = bool(default) or (isinstance(default, (int, float)) and not isinstance(default, bool))
    if isinstance(default, bool):
        flag = f"{flag}/--no-{one.name.replace('_', '-')}"
        kind = None
    return click.Option(
        [flag, one.name], default=default, multiple=several, type=kind, help=one.metadata["meaning"], show_default=shown
    )


async def _collect(name: str, source: Source, state: State, settings: Settings) -> None:
    """Collect until a signal, or until the feed is over; tell what was done."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await require_rights(settings, Role.PRODUCER)
    registry = CollectorRegistry()
    metrics = CollectMetrics(registry, name)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, settings.metrics_host, registry)
    publishing = partial(publisher_of, settings.bootstrap, settings.topics, kafka_security(settings), name, wall_ms)
    collector = Collector(source, state, publishing, metrics, wall_ms, settings.max_future_skew_s)
    sys.stderr.write(f"collect {name}: going on after {state.cursor or 'nothing'}\n")
    await collector.run(stop)
    tally = collector.tally
    sys.stderr.write(f"collect {name}: sent {tally.sent:,}, refused {tally.refused_total:,}, at {state.cursor}\n")
