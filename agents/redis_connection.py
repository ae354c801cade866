"""The one place where Redis clients are made, from an address and the settings' login and certificates."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError

from schemas.errors import BadSettingError
from streams.settings_checks import without_password

if TYPE_CHECKING:
    from streams.settings import Settings


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
    return Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=connect_s,
        socket_timeout=reply_s,
        client_name=name,
        **login,
    )


def redis_refusal(error: BaseException, url: str) -> BadSettingError | None:
    """Return what the operator must change when Redis refuses us, None when waiting may help."""
    if isinstance(error, NoPermissionError):
        detail = f"this user may not do that ({str(error)[:120]}): apply `renown redis acl`"
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


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None
