"""Which gate a deployment gets: without keys only programs of this machine may come in."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from pathlib import Path

from agents.access.gate import Gate, KeyGate, OpenGate
from agents.access.ring import KeyRing
from schemas.errors import BadSettingError
from streams.clock import wall_ms
from streams.settings import Settings


def gate_of(settings: Settings, host: str, rate: float) -> Gate:
    """Return the gate for listening on `host`; `rate` (items a second) is for keys without one of their own.

    Raises BadSettingError when the network could reach it and nobody needs a key, KeyFileError for a bad file.
    """
    if settings.api_keys_file:
        ring = KeyRing(Path(settings.api_keys_file), lambda: wall_ms() / 1000)
        return KeyGate(ring, rate, settings.key_burst_s, time.monotonic)
    if not is_loopback(host):
        remedy = (
            f"needed to listen on {host or 'every address'}, or anybody could ask: set it to a file, "
            "make a key by `renown keys add NAME`, or listen on 127.0.0.1"
        )
        raise BadSettingError("RENOWN_API_KEYS_FILE", "", remedy)
    return OpenGate()


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS that callers meet, None for none; raise BadSettingError when certificate and key do not serve."""
    if not settings.http_cert_file:
        if settings.http_key_file:
            remedy = "belongs to RENOWN_HTTP_CERT_FILE, which is not set"
            raise BadSettingError("RENOWN_HTTP_KEY_FILE", settings.http_key_file, remedy)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password keeps OpenSSL from asking for one on a terminal that a service does not have.
        context.load_cert_chain(settings.http_cert_file, settings.http_key_file or None, password="")
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", None) or error.strerror
        remedy = f"cannot be used ({why}); name PEM files of a certificate and its unencrypted key"
        raise BadSettingError("RENOWN_HTTP_CERT_FILE", settings.http_cert_file, remedy) from error
    return context


def is_loopback(host: str) -> bool:
    """Return whether every address that `host` means is of this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, True, False, False)
    """
    if not host:
        return False
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)
