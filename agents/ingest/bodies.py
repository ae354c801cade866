"""Request bodies as single items: one JSON object, a JSON list or JSON lines."""

from __future__ import annotations

import msgspec

MAX_ITEMS = 1_000
_LINE_TYPES = frozenset(
    {"application/x-ndjson", "application/jsonl", "application/jsonlines", "application/x-jsonlines"}
)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)


class BadBodyError(ValueError):
    """The body as a whole is not what was asked for."""


class TooManyItemsError(ValueError):
    """The body holds more than MAX_ITEMS items."""


def items(body: bytes, content_type: str = "") -> list[bytes]:
    """Return each item's own bytes; raise BadBodyError or TooManyItemsError.

    With a JSON lines type every line is an item, torn or not. Otherwise the body is one JSON text, or lines of
    which each is one.
    """
    found = _lines(body) if content_type in _LINE_TYPES else _texts(body)
    if not found:
        raise BadBodyError("no items; send an engagement, a list of them, or one a line")
    if len(found) > MAX_ITEMS:
        raise TooManyItemsError(f"{len(found)} items; send at most {MAX_ITEMS}")
    return found


def _texts(body: bytes) -> list[bytes]:
    try:
        if body.lstrip()[:1] == b"[":
            return [bytes(each) for each in _LIST.decode(body)]
        return [bytes(_ANY.decode(body))]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        lines = _lines(body)
        if len(lines) > 1 and all(map(_is_json, lines)):
            return lines
        raise BadBodyError(f"not JSON: {error}; send an engagement, a list of them, or one a line") from error


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


def _is_json(line: bytes) -> bool:
    try:
        _ANY.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
