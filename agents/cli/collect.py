"""`renown collect`: running sources of engagements."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import sys

import click
import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry

from agents import sources
from agents.access.door import gate_of, is_loopback, tls_of
from agents.access.gate import Gate
from agents.cli.collect_check import check
from agents.cli.collect_source import meaning_of, options_of, source_command
from agents.cli.target import data_option, resolve
from agents.http.admission import Limits
from agents.http.serving import runner_of
from agents.ingest.delivery import Delivery
from agents.ingest.http import Ingest, build
from agents.ingest.http_metrics import PATH, HttpMetrics
from agents.ingest.live.contract import Source
from agents.rights.kafka_check import require_rights
from schemas.access import Role
from schemas.errors import RenownError
from streams import logs
from streams.clock import wall_ms
from streams.security import kafka_security
from streams.settings import Settings

HOST = "127.0.0.1"
PORT = 8085


class _Sources(click.Group):
    """The commands of this file, and one for every source, made when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *sources.names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in sources.names():
            return source_command(cmd_name)
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Sources)
def collect() -> None:
    """Take in engagements from running sources.

    Example: renown collect bluesky
    """


collect.add_command(check)


@collect.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def listing(*, as_json: bool) -> None:
    """Say which sources there are and what they take in.

    Example: renown collect list
    """
    found = {name: sources.source_class(name) for name in sources.names()}
    if as_json:
        click.echo(orjson.dumps([_described(name, each) for name, each in found.items()]))
        return
    meanings = {"http": "Engagements that programs post, one or many at a time."}
    for name, meaning in (meanings | {name: meaning_of(each) for name, each in found.items()}).items():
        click.echo(f"{name:12}{meaning}")


def _described(name: str, found: type[Source]) -> dict[str, object]:
    options = [
        {"name": each.name.replace("_", "-"), "default": each.default, "meaning": each.metadata["meaning"]}
        for each in options_of(found)
        if not each.metadata["is_argument"]
    ]
    arguments = [each.name for each in options_of(found) if each.metadata["is_argument"]]
    return {"name": name, "meaning": meaning_of(found), "arguments": arguments, "options": options}


@collect.command()
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 = any free one.")
@data_option
def http(host: str, port: int, data: str) -> None:
    """Take engagements by `POST /v1/engagements`, until SIGTERM; answers once Kafka has acknowledged.

    With RENOWN_API_KEYS_FILE senders need a key of `renown keys`; without it only loopback is listened on.
    Keys travel as they are: beyond this machine set RENOWN_HTTP_CERT_FILE, or put a TLS proxy before it.

    Example: renown collect http --port 8085
    """
    logs.set_up()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    settings = resolve(data)
    asyncio.run(_serve(settings, gate_of(settings, host, settings.key_rate), tls_of(settings), host, port))


async def _serve(settings: Settings, gate: Gate, tls: ssl.SSLContext | None, host: str, port: int) -> None:
    """Serve until a signal; requests under way are answered before the end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await require_rights(settings, Role.PRODUCER)
    runner = runner_of(build(_ingest(settings, gate)), settings.request_limit_s)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        address, scheme = runner.addresses[0], "http" if tls is None else "https"
        sys.stderr.write(f"collect http: listening on {scheme}://{address[0]}:{address[1]}{PATH}\n")
        if tls is None and not is_loopback(host):
            sys.stderr.write("collect http: keys travel unencrypted; set RENOWN_HTTP_CERT_FILE or put TLS before it\n")
        await stop.wait()
    except OSError as error:
        raise RenownError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    finally:
        await runner.cleanup()


def _ingest(settings: Settings, gate: Gate) -> Ingest:
    registry = CollectorRegistry()
    limits = Limits(settings.max_body_bytes, settings.max_batch, settings.request_limit_s)
    delivery = Delivery(settings.bootstrap, settings.topics, security=kafka_security(settings))
    metrics = HttpMetrics(registry, gate.names())
    return Ingest(delivery, metrics, registry, wall_ms, settings.max_future_skew_s, gate, limits)
