"""The one place where Redis clients are made, from an address and the settings' login and certificates."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Connection, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError

from schemas.errors import BadSettingError
from streams.settings_checks import without_password

if TYPE_CHECKING:
    from streams.settings import Settings


PROBE_S: Final = 2.0
DEFAULT_PORT: Final = 6379
_SERIALIZER: Final = HiredisRespSerializer()


class _Packing:
    """Commands packed in C: connections of redis-py's asyncio client pack them in Python, argument by argument."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return the command as Redis takes it; redis-py's DataError for what is no text, bytes or number."""
        packed: list[bytes] = _SERIALIZER.pack(*args)
        return packed


class _Plain(_Packing, Connection):
    pass


class _Secure(_Packing, SSLConnection):
    pass


class _Local(_Packing, UnixDomainSocketConnection):
    pass


_PACKING: Final[dict[type, type]] = {
    Connection: _Plain,
    SSLConnection: _Secure,
    UnixDomainSocketConnection: _Local,
}


def redis_login(settings: Settings) -> dict[str, Any]:
    """Return what any redis-py client needs beside the URL: user, password and, with rediss://, certificates."""
    found: dict[str, Any] = {}
    if settings.redis_password:
        found |= {"username": settings.redis_user or None, "password": settings.redis_password}
    if settings.redis_url.startswith("rediss://"):
        found |= {
            "ssl_ca_certs": settings.redis_ca_file or None,
            "ssl_certfile": settings.redis_cert_file or None,
            "ssl_keyfile": settings.redis_key_file or settings.redis_cert_file or None,
            "ssl_check_hostname": True,
        }
    return found


def redis_client(url: str, *, name: str, connect_s: float, reply_s: float, **login: Any) -> Redis:
    """Return a client that tells of failures at once; `login` is what `redis_login` returned."""
    client = Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=connect_s,
        socket_timeout=reply_s,
        client_name=name,
        # Not every Redis knows CLIENT SETINFO, and an ACL would have to name it.
        driver_info=None,
        **login,
    )
    pool = client.connection_pool
    pool.connection_class = _PACKING[pool.connection_class]
    return client


def redis_refusal(error: BaseException, url: str) -> BadSettingError | None:
    """Return what the operator must change when Redis refuses us, None when waiting may help."""
    if isinstance(error, NoPermissionError):
        detail = f"this user may not do that ({str(error)[:120]}): `renown access redis` prints its rights"
        return BadSettingError("RENOWN_REDIS_URL", without_password(url), detail)
    if isinstance(error, AuthenticationError | AuthorizationError) or "NOAUTH" in str(error)[:200]:
        detail = "Redis refused the login: check RENOWN_REDIS_USER and RENOWN_REDIS_PASSWORD"
        return BadSettingError("RENOWN_REDIS_URL", without_password(url), detail)
    broken = _tls_error(error)
    if broken is not None:
        why = getattr(broken, "verify_message", "") or broken.reason
        detail = f"no trusted TLS connection ({why}): check rediss:// and RENOWN_REDIS_CA_FILE"
        return BadSettingError("RENOWN_REDIS_URL", without_password(url), detail)
    return None


async def wrong_protocol(url: str) -> BadSettingError | None:
    """Return what to change when the server speaks TLS and the URL does not, or the other way round.

    Neither side answers then, so that it looks like an outage. None when the two fit or nothing can be told.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"}:
        return None
    host, port = parts.hostname or "localhost", parts.port or DEFAULT_PORT
    is_plain = await _answers_plain(host, port)
    if parts.scheme == "rediss" and is_plain:
        return BadSettingError("RENOWN_REDIS_URL", without_password(url), "Redis there speaks no TLS: write redis://")
    if parts.scheme == "redis" and not is_plain and await _answers_tls(host, port):
        remedy = "Redis there speaks TLS: write rediss://, and name its authority in RENOWN_REDIS_CA_FILE"
        return BadSettingError("RENOWN_REDIS_URL", without_password(url), remedy)
    return None


async def _answers_plain(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"PING\r\n")
                return await reader.read(1) in {b"+", b"-"}
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _answers_tls(host: str, port: int) -> bool:
    # Only asks what the port speaks; nothing is sent over it.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None
