"""The server's life: from settings to a listening socket, until a signal."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agents.access.door import is_loopback
from agents.access.gate import Gate
from agents.http.admission import Limits, Reception
from agents.http.serving import runner_of
from agents.lookup.formula import formulas
from agents.lookup.origins import Origins
from agents.lookup.reader import Reader
from agents.redis_connection import redis_client, redis_login, redis_refusal, wrong_protocol
from agents.web.application import MAX_BODY_BYTES, Api, build
from agents.web.changes import Changes
from agents.web.cors import origins_of
from agents.web.following import Following
from agents.web.metrics import WebMetrics
from agents.web.queries import MOST_USERS
from agents.web.reasons import Reasons
from agents.web.scores import Scores
from agents.web.stewardship import Stewardship
from schemas.errors import RenownError
from schemas.redis_keys import RedisKeys
from streams.formula import parameters_of
from streams.settings import Settings

CONNECT_S: Final = 1.0
REPLY_S: Final = 2.0
log = structlog.get_logger()


def api_of(settings: Settings, gate: Gate, redis: Redis) -> Api:
    """Return the API of a deployment; raise BadSettingError for a setting that cannot be used."""
    metrics = WebMetrics(CollectorRegistry())
    reception = Reception(gate, Limits(MAX_BODY_BYTES, MOST_USERS, settings.request_limit_s))
    scores = Scores(Reader(redis, RedisKeys(settings.redis_prefix)), reception)
    reasons = Reasons(scores, Origins(settings), formulas(settings.profile, parameters_of(settings)))
    changes = Changes(scores, metrics, settings.max_streams)
    desk = Stewardship(settings, reception, Following(settings))
    return Api(redis, reasons, changes, desk, metrics, origins_of(settings.cors_origins))


async def serve(settings: Settings, gate: Gate, tls: ssl.SSLContext | None, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; says on stderr where. Raises RenownError when it cannot begin."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redis = redis_client(
        settings.redis_url, name="renown-serve", connect_s=CONNECT_S, reply_s=REPLY_S, **redis_login(settings)
    )
    api = api_of(settings, gate, redis)
    await _checked(settings, api.reasons.scores.reader)
    runner = runner_of(build(api), settings.request_limit_s)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        address, scheme = runner.addresses[0], "http" if tls is None else "https"
        sys.stderr.write(f"serve: listening on {scheme}://{_shown(address[0])}:{address[1]}/\n")
        if tls is None and not is_loopback(host):
            sys.stderr.write("serve: keys travel unencrypted; set RENOWN_HTTP_CERT_FILE or put TLS before it\n")
        sys.stderr.flush()
        await stop.wait()
    except OSError as error:
        raise RenownError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    finally:
        await runner.cleanup()
        await redis.aclose()


async def _checked(settings: Settings, reader: Reader) -> None:
    """Raise BadSettingError for what waiting cannot cure; Redis may be away, it is waited for."""
    try:
        await reader.require_contract()
    except (RedisError, OSError) as error:
        refused = redis_refusal(error, settings.redis_url) or await wrong_protocol(settings.redis_url)
        if refused is not None:
            raise refused from error
        log.warning("redis cannot be read yet", error=f"{error!s:.200}")


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address
