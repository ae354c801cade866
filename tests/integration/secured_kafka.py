"""A real broker with TLS and logins beside its plain listener, whose certificates are made on the spot."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from deploy.local import ports
from deploy.local.kafka import KafkaServer
from deploy.local.kafka_config import Secured
from deploy.local.progress import Silent

USER = "ann"
PASSWORD = "s3cret, odd; =\"quotes\" and 'ticks'"  # noqa: S105 - a broker of the test's own
PLAIN_PASSWORD = "plain-s3cret"  # noqa: S105
JAAS = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class SecuredKafka:
    """Addresses of one broker, and the files that trust it and do not."""

    plain: str
    tls: str
    login: str
    ca: Path
    other_ca: Path


@contextlib.contextmanager
def secured_kafka(folder: Path, also: dict[str, str] | None = None) -> Iterator[SecuredKafka]:
    """Yield a running broker: TLS at `tls`, TLS and login at `login`, neither at `plain`."""
    ca, other = folder / "ca.pem", folder / "other.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca)
    trustme.CA().cert_pem.write_to_path(other)
    tls, login = ports.pick(), 0
    login = ports.pick(frozenset({tls}))
    secured = Secured(
        {"TLS": ("SSL", tls), "LOGIN": ("SASL_SSL", login)},
        {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(_keystore(authority, folder / "server.pem")),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
            "listener.name.login.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
            "listener.name.login.scram-sha-256.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
            "listener.name.login.plain.sasl.jaas.config": (
                f'{JAAS}.plain.PlainLoginModule required user_{USER}="{PLAIN_PASSWORD}";'
            ),
            **(also or {}),
        },
    )
    server = KafkaServer(folder, Silent(), secured)
    state = server.start(None, lambda _: None)
    try:
        plain = f"{ports.HOST}:{state.port}"
        add_user(plain, USER, PASSWORD)
        yield SecuredKafka(plain, f"{ports.HOST}:{tls}", f"{ports.HOST}:{login}", ca, other)
    finally:
        server.stop(state)


def _keystore(authority: trustme.CA, path: Path) -> Path:
    """Write key and certificates as Kafka reads them, the key as PKCS 8."""
    issued = authority.issue_cert(ports.HOST)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    return path


def add_user(bootstrap: str, user: str, password: str) -> None:
    """Make a SCRAM user, by the plain listener."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        how = ScramCredentialInfo(mechanism, 4096)
        change = UserScramCredentialUpsertion(user, how, password.encode())
        for future in admin.alter_user_scram_credentials([change]).values():
            future.result(30)
