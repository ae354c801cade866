"""Bytes of the engagements topic as acts or refusals, decided from the contract's text without Renown's codec."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from agents.faults.judge.firstfault import REQUIRED, Fields, MisfitError, UndecodableError, Walk

KINDS: Final = ("like", "share", "mention", "reply")
MAX_RECORD_BYTES: Final = 16_384
MAX_TEXT_BYTES: Final = 512
MAX_USER_BYTES: Final = 256
MAX_AT_MS: Final = 4_102_444_800_000
UNKEPT: Final = "self_engagement"
"""The one reason whose records are counted and leave no dead letter."""
_CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
_USER: Final = re.compile(r"(?!momentum:)[a-z0-9-]{1,32}:[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INSTANT: Final = re.compile(r"(.{19})(\.[0-9]+)?Z", re.ASCII)
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Act:
    """A valid engagement: identifiers as NFC bytes, kind as code, instant in epoch ms."""

    id: bytes
    kind: int
    actor: bytes
    target: bytes
    at_ms: int
    undo: bool


class RefusedError(Exception):
    """The record breaks the contract; the argument is the reason as dead letters spell it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _DoubtError(Exception):
    """The quick reader saw something that only the exact one may judge."""


def act_of(value: bytes | None) -> Act:
    """Return the act in `value`; raise RefusedError with the first reason against it."""
    if not value:
        raise RefusedError("undecodable")
    if len(value) > MAX_RECORD_BYTES:
        raise RefusedError("too_large")
    return _act(_fields(value))


def reason_against(act: Act, appended_ms: int, skew_ms: int) -> str | None:
    """Return why a valid act appended at `appended_ms` is not counted, None when it is."""
    if act.at_ms > appended_ms + skew_ms:
        return "from_the_future"
    return None


def _fields(value: bytes) -> Fields:
    try:
        return _quick(value)
    except (ValueError, RecursionError, _DoubtError):
        pass
    try:
        return Walk(value).fields()
    except UndecodableError as error:
        raise RefusedError("undecodable") from error
    except MisfitError as error:
        raise RefusedError("invalid_field") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubtError
    return found


def _never(constant: str) -> None:
    raise _DoubtError(constant)


def _quick(value: bytes) -> Fields:
    """Return the fields by the standard library, where nothing about the bytes is unusual."""
    found = json.loads(value.decode(), object_pairs_hook=_once, parse_constant=_never)
    if type(found) is not dict or _SURROGATE.search(value):
        raise _DoubtError
    at, undo, about = found.get("occurred_at"), found.get("undo", False), found.get("object")
    texts = all(type(found.get(name)) is str for name in REQUIRED[:-1])
    if not texts or type(at) not in {int, str} or type(undo) is not bool or not isinstance(about, str | None):
        raise _DoubtError
    return found


def _act(fields: Fields) -> Act:
    kind = _CODES.get(str(fields["kind"]))
    if kind is None:
        raise RefusedError("unknown_kind")
    actor, target = _user(str(fields["actor"])), _user(str(fields["target"]))
    act_id, at_ms = _text(str(fields["id"]), MAX_TEXT_BYTES), _instant(fields["occurred_at"])
    if fields.get("object"):
        _text(str(fields["object"]), MAX_TEXT_BYTES)
    if actor == target:
        raise RefusedError(UNKEPT)
    return Act(act_id, kind, actor, target, at_ms, undo=bool(fields.get("undo", False)))


def _text(text: str, limit: int) -> bytes:
    raw = unicodedata.normalize("NFC", text).encode()
    if not 0 < len(raw) <= limit:
        raise RefusedError("invalid_field")
    return raw


@lru_cache(maxsize=1 << 18)
def _user(text: str) -> bytes:
    raw = _text(text, MAX_USER_BYTES)
    if not _USER.fullmatch(raw.decode()):
        raise RefusedError("invalid_field")
    return raw


def _instant(value: object) -> int:
    """Return epoch ms of an integer or an RFC 3339 text, of which parts of a millisecond are cut off."""
    try:
        ms = value if isinstance(value, int) else _text_ms(str(value))
    except (ValueError, OverflowError) as error:
        raise RefusedError("invalid_field") from error
    if not 0 <= ms <= MAX_AT_MS:
        raise RefusedError("invalid_field")
    return ms


def _text_ms(text: str) -> int:
    match = _INSTANT.fullmatch(text)
    if match is None or text[10] != "T":
        return _ms(datetime.fromisoformat(text))
    whole = datetime.fromisoformat(match.group(1))
    if whole.tzinfo is not None:
        raise ValueError(text)
    digits = (match.group(2) or ".")[1:]
    return _ms(whole.replace(tzinfo=UTC)) + int((digits + "000")[:3])


def _ms(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError(instant)
    return (instant - _EPOCH) // timedelta(milliseconds=1)
