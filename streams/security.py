"""Secure connections to Kafka: settings turned into what aiokafka and Faust take, and a refusal told in one line."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Final

import aiokafka.errors as kafka_errors
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.protocol.metadata import MetadataRequest

from schemas.errors import BadSettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.settings import Settings

PROBE_S: Final = 5.0
_LOGIN: Final = (
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.AuthenticationFailedError,
)


def kafka_security(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments that let any aiokafka client in; BadSettingError when a file cannot be used."""
    found: dict[str, Any] = {"security_protocol": settings.kafka_security}
    if settings.kafka_security.endswith("SSL"):
        found["ssl_context"] = tls_context(settings)
    if settings.kafka_security.startswith("SASL"):
        found["sasl_mechanism"] = settings.kafka_sasl_mechanism
        found["sasl_plain_username"] = settings.kafka_sasl_user
        found["sasl_plain_password"] = settings.kafka_sasl_password
    return found


def kafka_client(settings: Settings) -> dict[str, Any]:
    """Return the servers and the security of any aiokafka client."""
    return {"bootstrap_servers": settings.bootstrap, **kafka_security(settings)}


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return the context that checks the broker's certificate and name, and shows ours when there is one."""
    context = trusting(settings.kafka_ca_file, "RENOWN_KAFKA_CA_FILE")
    if settings.kafka_cert_file:
        key = settings.kafka_key_password
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file or None, lambda: key)
        except (OSError, ValueError) as error:
            remedy = "not a readable PEM certificate with its key: check RENOWN_KAFKA_KEY_FILE and its password"
            raise BadSettingError("RENOWN_KAFKA_CERT_FILE", settings.kafka_cert_file, remedy) from error
    return context


def trusting(ca_file: str, variable: str) -> ssl.SSLContext:
    """Return a client's context that trusts `ca_file`, or the system's authorities when it is empty."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        remedy = f"not a readable PEM file of authorities ({error.strerror or 'no certificate in it'})"
        raise BadSettingError(variable, ca_file, remedy) from error


async def refusal(bootstrap: str, security: Mapping[str, Any]) -> BadSettingError | None:
    """Return why the first server that answers will not have us; None when one takes us or none answers.

    aiokafka tells only that it could not connect; what the operator must change is known to a bare connection.
    """
    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(PROBE_S):
                conn = await create_conn(host.strip("[]"), int(port), **security)
        except (kafka_errors.KafkaError, OSError, TimeoutError, EOFError) as error:
            reason = await _reason(server, security, error)
            if reason is not None:
                return reason
        else:
            return await _talks(server, conn, security)
    return None


async def require_login(settings: Settings) -> None:
    """Raise BadSettingError when Kafka refuses us; a Kafka that does not answer is another matter."""
    reason = await refusal(settings.bootstrap, kafka_security(settings))
    if reason is not None:
        raise reason


async def _reason(server: str, security: Mapping[str, Any], error: BaseException) -> BadSettingError | None:
    if isinstance(error, _LOGIN):
        return _login_refused(server, security, error)
    return await _transport_refused(server, security.get("security_protocol", "PLAINTEXT"), error)


def _login_refused(server: str, security: Mapping[str, Any], error: BaseException) -> BadSettingError:
    user = security.get("sasl_plain_username", "")
    if isinstance(error, kafka_errors.UnsupportedSaslMechanismError):
        mechanism = security["sasl_mechanism"]
        return BadSettingError("RENOWN_KAFKA_SASL_MECHANISM", mechanism, f"Kafka at {server} does not offer it")
    remedy = f"Kafka at {server} refused this user or its password: check both and RENOWN_KAFKA_SASL_MECHANISM"
    return BadSettingError("RENOWN_KAFKA_SASL_USER", user, remedy)


async def _transport_refused(server: str, protocol: str, error: BaseException) -> BadSettingError | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = f"Kafka's certificate at {server} is not trusted ({error.verify_message}): set RENOWN_KAFKA_CA_FILE"
        return BadSettingError("RENOWN_KAFKA_SECURITY", protocol, remedy)
    speaks = await _speaks_tls(server)
    if speaks is None:
        return None
    if speaks and not protocol.endswith("SSL"):
        remedy = f"Kafka at {server} speaks TLS: use SSL or SASL_SSL"
        return BadSettingError("RENOWN_KAFKA_SECURITY", protocol, remedy)
    if not speaks and protocol.endswith("SSL"):
        remedy = f"Kafka at {server} does not speak TLS: use another port, PLAINTEXT or SASL_PLAINTEXT"
        return BadSettingError("RENOWN_KAFKA_SECURITY", protocol, remedy)
    if isinstance(error, ssl.SSLError):
        remedy = f"Kafka at {server} ended the TLS handshake ({error.reason}): does it ask for RENOWN_KAFKA_CERT_FILE?"
        return BadSettingError("RENOWN_KAFKA_SECURITY", protocol, remedy)
    return None


async def _talks(server: str, conn: AIOKafkaConnection, security: Mapping[str, Any]) -> BadSettingError | None:
    """Return the refusal of a broker that lets us connect but not ask: it wants a login or a certificate."""
    try:
        async with asyncio.timeout(PROBE_S):
            await conn.send(MetadataRequest([]))
    except (kafka_errors.KafkaError, OSError, TimeoutError, EOFError):
        protocol = security.get("security_protocol", "PLAINTEXT")
        if protocol.startswith("SASL"):
            return None
        remedy = f"Kafka at {server} hangs up on a client without login: use SASL_SSL or SASL_PLAINTEXT"
        return BadSettingError("RENOWN_KAFKA_SECURITY", protocol, remedy)
    finally:
        conn.close()
    return None


async def _speaks_tls(server: str) -> bool | None:
    """Return whether the port answers a TLS greeting, None when nothing listens there."""
    host, _, port = server.strip().rpartition(":")
    # Only asks what the port speaks; nothing is sent over it.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except ssl.SSLError as error:
        # A server that only wants a client's certificate has answered in TLS.
        return error.reason not in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
    except ConnectionRefusedError:
        return None
    except (ConnectionError, EOFError):
        return False
    except (OSError, TimeoutError):
        return None
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return True
