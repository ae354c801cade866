"""Settings: one frozen object, built once from defaults, a TOML file and RENOWN_* variables, in that order.

An unknown name or a value of the wrong shape refuses to start and says which. Every field's metadata holds
its meaning; `renown config` prints what is in force and where each value came from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from schemas.errors import BadSettingError
from schemas.topics import Topics
from streams.settings_checks import HIDDEN, check_kafka, check_redis, without_password

PREFIX: Final = "RENOWN_"
OUTSIDE: Final = frozenset({"RENOWN_DATA", "RENOWN_CACHE", "RENOWN_CONFIG", "RENOWN_CRASH_POINT", "RENOWN_POISON"})
"""RENOWN_* variables that are read elsewhere, before there are settings."""


def _is(default: Any, meaning: str, at_least: float | None = None, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "at_least": at_least, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may set. Durations end in `_s`, sizes in what they count."""

    bootstrap: str = _is("127.0.0.1:9092", "Kafka servers, host:port separated by commas")
    redis_url: str = _is("redis://127.0.0.1:6379/0", "Redis that readers use")
    kafka_security: str = _is("PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
    kafka_ca_file: str = _is("", "PEM file of the authorities that sign Kafka's certificates; empty = the system's")
    kafka_cert_file: str = _is("", "PEM file of our certificate for Kafka; empty = none")
    kafka_key_file: str = _is("", "PEM file of that certificate's key; empty = in the same file")
    kafka_key_password: str = _is("", "password of that key", secret=True)
    kafka_key_password_file: str = _is("", "file that holds that password")
    kafka_sasl_mechanism: str = _is("SCRAM-SHA-512", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
    kafka_sasl_user: str = _is("", "Kafka user of SASL_PLAINTEXT and SASL_SSL")
    kafka_sasl_password: str = _is("", "password of that user", secret=True)
    kafka_sasl_password_file: str = _is("", "file that holds that password")
    redis_user: str = _is("", "Redis ACL user; empty = the one in redis_url, else default")
    redis_password: str = _is("", "password of that user", secret=True)
    redis_password_file: str = _is("", "file that holds that password")
    redis_ca_file: str = _is("", "PEM file of the authorities of a rediss:// server; empty = the system's")
    redis_cert_file: str = _is("", "PEM file of our certificate for Redis; empty = none")
    redis_key_file: str = _is("", "PEM file of that certificate's key; empty = in the same file")
    api_keys_file: str = _is("", "keys of HTTP callers, made by `renown keys`; empty = loopback only, no key asked")
    http_cert_file: str = _is("", "PEM file of our HTTP servers' certificate and chain; empty = no TLS")
    http_key_file: str = _is("", "PEM file of that certificate's key; empty = in the same file")
    key_rate: float = _is(1_000.0, "engagements a second of a key without a rate of its own", 0.001)
    read_rate: float = _is(10_000.0, "scores a second of a key for reading without a rate of its own", 0.001)
    key_burst_s: float = _is(10.0, "a key may send or read at once what its rate gives in so long", 0.001)
    cors_origins: str = _is("", "origins whose web pages may read scores, separated by commas; * = all, empty = none")
    max_streams: int = _is(1_000, "most streams of live changes at once", 1)
    max_batch: int = _is(1_000, "most engagements in one HTTP request", 1)
    max_body_bytes: int = _is(8 * 1024 * 1024, "largest body of an HTTP request, as sent and inflated", 1_024)
    request_limit_s: float = _is(30.0, "longest wait for an HTTP request's headers, and then for its body", 0.1)
    prefix: str = _is("renown", "prefix of topics and of the consumer group")
    redis_prefix: str = _is("renown", "prefix of Redis keys")
    partitions: int = _is(8, "partitions of engagements, credits, scores and the users table", 1)
    profile: str = _is("default", "named parameter set of the model: default or burst")
    parameters: str = _is("", "single parameters over the profile: name=value separated by commas")
    hash_key: str = _is("renown-hash-key!", "secret of id hashes, 16 bytes; constant over living state", secret=True)
    hash_key_file: str = _is("", "file that holds that secret")
    session_timeout_s: float = _is(30.0, "a worker silent for so long loses its partitions", 1.0)
    commit_interval_s: float = _is(1.0, "time between barriers: state flushed, offsets committed", 0.05)
    standbys: int = _is(1, "workers that keep a warm copy of each partition", 0)
    chunk_events: int = _is(20_000, "most events handled without giving way", 1)
    dedupe_horizon: int = _is(200_000, "offsets of a partition within which a repeated id is dropped", 1_000)
    undo_window_s: float = _is(86_400.0, "event time within which an act can be taken back; 0 = never", 0.0)
    forward_interval_s: float = _is(0.05, "time between flushes of credits", 0.001)
    emit_interval_s: float = _is(1.0, "least time between two scores of one user", 0.0)
    sweep_interval_s: float = _is(5.0, "time between looks at whether idle users' scores moved", 0.1)
    calibration_interval_s: float = _is(1.0, "least time between two sketches of a partition", 0.05)
    max_future_skew_s: float = _is(300.0, "an event further ahead of its append time is refused", 0.0)
    late_after_s: float = _is(86_400.0, "an event older than stream time by more is counted as late", 0.0)
    member_name: str = _is("", "name of this worker in the group, unique and the same after a restart; may be empty")
    ready_file: str = _is("", "file that holds the worker's pid while it is ready to score; empty = none")
    metrics_port: int = _is(0, "port of Prometheus metrics; 0 = none", 0)
    metrics_host: str = _is("127.0.0.1", "address that metrics are served on; in a container 0.0.0.0")

    @property
    def topics(self) -> Topics:
        """Return the topics under this prefix."""
        return Topics(self.prefix)

    def __post_init__(self) -> None:
        """Refuse values that no part could work with."""
        for f in fields(self):
            least, value = f.metadata["at_least"], getattr(self, f.name)
            if least is not None and value < least:
                raise BadSettingError(PREFIX + f.name.upper(), value, f"must be at least {least}")
        if len(self.hash_key.encode()) != 16:  # noqa: PLR2004 - SipHash takes a key of 16 bytes
            raise BadSettingError(PREFIX + "HASH_KEY", HIDDEN, "must be 16 bytes long")
        check_kafka(self)
        check_redis(self)

    def __repr__(self) -> str:
        """Return every setting, secrets hidden: objects end up in tracebacks and logs."""
        return f"Settings({', '.join(f'{f.name}={visible(f.name, getattr(self, f.name))!r}' for f in fields(self))})"


def visible(name: str, value: Any) -> Any:
    """Return a setting's value as it may be shown: `…` for a secret, a URL without its password."""
    if name == "redis_url":
        return without_password(str(value))
    return HIDDEN if value and name in SECRETS else value


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value in force came from."""

    value: Any = field(repr=False)
    source: str


def origins(environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> dict[str, Origin]:
    """Return every setting's value and source; `overrides` (what a local stack knows) yield to RENOWN_*."""
    found = {f.name: Origin(f.default, "default") for f in fields(Settings)}
    for name, value in (overrides or {}).items():
        found[name] = Origin(value, "local stack")
    path = environ.get("RENOWN_CONFIG")
    for name, value in (from_file(Path(path)) if path else {}).items():
        found[name] = Origin(value, str(path))
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable not in OUTSIDE:
            name = variable.removeprefix(PREFIX).lower()
            found[name] = Origin(_typed(name, text, variable), variable)
    for name in SECRETS:
        path = found[f"{name}_file"].value
        if path:
            found[name] = _from_secret_file(name, path, found[name])
    return found


def _from_secret_file(name: str, path: str, given: Origin) -> Origin:
    """Return the secret in a file, as container platforms mount them; one line end at its end is not part of it."""
    variable = f"{PREFIX}{name.upper()}_FILE"
    if given.source not in {"default", path}:
        raise BadSettingError(variable, path, f"the secret is also given by {given.source}: keep one of them")
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise BadSettingError(variable, path, f"cannot be read ({why}); name a readable file") from error
    return Origin(text.removesuffix("\n").removesuffix("\r"), path)


def load(environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings in force; raise BadSettingError naming the variable and the remedy."""
    return Settings(**{name: origin.value for name, origin in origins(environ, overrides).items()})


def from_file(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML file; raise BadSettingError naming the file, the setting and the remedy."""
    try:
        found = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadSettingError("RENOWN_CONFIG", str(path), f"cannot be read: {error}") from error
    return {name: _typed(name, value, f"{name} in {path}") for name, value in found.items()}


def _typed(name: str, value: Any, label: str) -> Any:
    known: dict[str, type] = {f.name: type(f.default) for f in fields(Settings)}
    if name not in known:
        # An unknown name may be a misspelt secret's.
        raise BadSettingError(label, HIDDEN, f"unknown setting; known are {', '.join(sorted(known))}")
    try:
        return known[name](value)
    except (TypeError, ValueError) as error:
        raise BadSettingError(label, visible(name, value), f"must be {known[name].__name__}") from error


SECRETS: Final = tuple(f.name for f in fields(Settings) if f.metadata["secret"])
"""Settings that are never shown; each may be given by a file named in `<name>_file`."""
