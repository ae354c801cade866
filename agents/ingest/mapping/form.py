"""The form of a mapping file (TOML): `example.toml`, beside this file, says by example what it holds."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from agents.ingest.mapping.rules import Rule
from agents.ingest.mapping.signatures import Signature
from schemas.errors import BadSettingError

_PATH: Final = re.compile(r"/[A-Za-z0-9/_.-]+")
SHIPPED: Final = Path(__file__).parent / "shipped"
EXAMPLE: Final = Path(__file__).parent / "example.toml"


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where and how the service posts."""

    path: str
    body: Literal["json", "form"] = "json"
    headers: list[str] = []
    handshake: Literal["none", "hub", "crc", "slack"] = "none"


class EngagementForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An engagement as the file has it."""

    id: str
    kind: str
    actor: str
    target: str
    occurred_at: str
    each: dict[str, str] = {}
    when: str = ""
    once: str = ""
    unit: Literal["rfc3339", "s", "ms"] = "rfc3339"
    object: str = ""
    undo: str = ""


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payload, and what must become of it."""

    name: str
    payload: str
    says: list[dict[str, Any]] = []
    refused: list[str] = []
    headers: dict[str, str] = {}
    received_at: int | None = None


class MappingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file."""

    about: str
    receive: Receive
    signature: Signature
    engagement: list[EngagementForm]
    values: dict[str, str] = {}
    test: list[Trial] = []


class Mapping(msgspec.Struct, frozen=True):
    """A mapping that can be used: its expressions are compiled."""

    name: str
    form: MappingForm
    rules: tuple[Rule, ...]
    uses_arrival: bool
    """Whether an expression asks for received_at."""


def shipped() -> list[str]:
    """Return the names of the mappings that come with Renown."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def text(given: str) -> str:
    """Return a mapping file as it is written; BadSettingError when it cannot be read."""
    path = _path(given)
    try:
        return path.read_text()
    except FileNotFoundError as error:
        remedy = f"no such file; name a TOML file or one of {', '.join(shipped())}"
        raise BadSettingError("MAPPING", given, remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingError("MAPPING", given, f"cannot be read ({error})") from error


def _path(given: str) -> Path:
    if given == EXAMPLE.stem:
        return EXAMPLE
    return SHIPPED / f"{given}.toml" if given in shipped() else Path(given)


@lru_cache(maxsize=64)
def load(given: str) -> Mapping:
    """Return the mapping in a TOML file, or the shipped one of that name; BadSettingError when it cannot be used."""
    path = _path(given)
    try:
        form = msgspec.convert(tomllib.loads(text(given)), MappingForm)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise BadSettingError("MAPPING", given, f"is no mapping: {error}") from error
    form.signature.check()
    if not _PATH.fullmatch(form.receive.path):
        raise BadSettingError(f"{path.stem} receive.path", form.receive.path, "send a path like /service")
    rules = tuple(_rule(f"{path.stem} [[engagement]] {n}", each) for n, each in enumerate(form.engagement, 1))
    return Mapping(path.stem, form, rules, any("received_at" in str(each) for each in form.engagement))


def _rule(where: str, one: EngagementForm) -> Rule:
    fields = {name: getattr(one, name) for name in ("id", "kind", "actor", "target", "occurred_at")}
    return Rule.compiled(where, one.each, one.when, one.once, fields, one.unit, one.object, one.undo)
