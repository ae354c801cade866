"""Which security settings go together: a wrong combination refuses to start, naming the variable and the remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.errors import BadSettingError

if TYPE_CHECKING:
    from streams.settings import Settings

HIDDEN: Final = "…"
URL_PASSWORD: Final = re.compile(r"^([a-z]+://[^:@/]*:).*(@)")
QUERY_PASSWORD: Final = re.compile(r"(?<=password=)[^&]*")
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def without_password(url: str) -> str:
    """Return a URL whose password is hidden.

    >>> without_password("redis://ann:s3cret@host:6379/0")
    'redis://ann:…@host:6379/0'
    """
    return QUERY_PASSWORD.sub(HIDDEN, URL_PASSWORD.sub(rf"\g<1>{HIDDEN}\g<2>", url))


def check_kafka(settings: Settings) -> None:
    """Raise BadSettingError unless protocol, login and certificates fit together."""
    protocol, mechanism = settings.kafka_security, settings.kafka_sasl_mechanism
    if protocol not in PROTOCOLS:
        raise BadSettingError("RENOWN_KAFKA_SECURITY", protocol, f"must be one of {', '.join(PROTOCOLS)}")
    if mechanism not in MECHANISMS:
        raise BadSettingError("RENOWN_KAFKA_SASL_MECHANISM", mechanism, f"must be one of {', '.join(MECHANISMS)}")
    sasl = protocol.startswith("SASL")
    for name, value in (("USER", settings.kafka_sasl_user), ("PASSWORD", settings.kafka_sasl_password)):
        if sasl and not value:
            raise BadSettingError(f"RENOWN_KAFKA_SASL_{name}", "", f"must be set with RENOWN_KAFKA_SECURITY={protocol}")
        if value and not sasl:
            shown = HIDDEN if name == "PASSWORD" else value
            remedy = f"is not used by RENOWN_KAFKA_SECURITY={protocol}: use SASL_SSL or SASL_PLAINTEXT"
            raise BadSettingError(f"RENOWN_KAFKA_SASL_{name}", shown, remedy)
    remedy = f"is not used by RENOWN_KAFKA_SECURITY={protocol}: use SSL or SASL_SSL"
    _check_files(settings, "kafka", remedy, used=protocol.endswith("SSL"))


def check_redis(settings: Settings) -> None:
    """Raise BadSettingError unless login and certificates fit the URL."""
    if settings.redis_user and not settings.redis_password:
        raise BadSettingError("RENOWN_REDIS_PASSWORD", "", "must be set with RENOWN_REDIS_USER")
    if settings.redis_password and "@" in settings.redis_url:
        shown = without_password(settings.redis_url)
        raise BadSettingError("RENOWN_REDIS_URL", shown, "holds a login, as RENOWN_REDIS_PASSWORD does: keep one")
    remedy = "needs TLS: write rediss:// in RENOWN_REDIS_URL"
    _check_files(settings, "redis", remedy, used=settings.redis_url.startswith("rediss://"))


def _check_files(settings: Settings, part: str, unused: str, *, used: bool) -> None:
    for kind in ("ca", "cert", "key"):
        path = getattr(settings, f"{part}_{kind}_file")
        variable = f"RENOWN_{part.upper()}_{kind.upper()}_FILE"
        if path and not used:
            raise BadSettingError(variable, path, unused)
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise BadSettingError(variable, path, "cannot be read; name a readable PEM file")
        if path and kind == "key" and not getattr(settings, f"{part}_cert_file"):
            raise BadSettingError(variable, path, f"belongs to RENOWN_{part.upper()}_CERT_FILE, which is not set")
