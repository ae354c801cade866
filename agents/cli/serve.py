"""`renown serve`: scores over HTTP, for programs and for people."""

from __future__ import annotations

import logging

import click
import uvloop

from agents.access.door import gate_of, tls_of
from agents.cli.target import data_option, resolve
from agents.web.service import serve as served
from streams import logs

HOST = "127.0.0.1"
PORT = 8080


@click.command()
@click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Port; 0 = any free one.")
@data_option
def serve(host: str, port: int, data: str) -> None:
    """Serve the score API and the page for people, until SIGTERM; says on stderr where it listens.

    With RENOWN_API_KEYS_FILE readers need a key of `renown keys add NAME --for read`; without it only loopback is
    listened on. /openapi.json documents the API. Keys travel as they are: beyond this machine set
    RENOWN_HTTP_CERT_FILE, or put a TLS proxy before it.

    Example: renown serve --port 8080
    """
    logs.set_up()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # without Kafka moments lack names only
    settings = resolve(data)
    uvloop.run(served(settings, gate_of(settings, host, settings.read_rate), tls_of(settings), host, port))
