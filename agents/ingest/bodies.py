"""Request bodies as single items: one JSON object, a JSON list or JSON lines.

What a body may cost is bounded by the limits, not by the sender: of a list no more items are made than may be in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import msgspec

_LINE_TYPES: Final = frozenset(
    {"application/x-ndjson", "application/jsonl", "application/jsonlines", "application/x-jsonlines"}
)
_LINE: Final = re.compile(rb"[^\n]+")
_NONE: Final = msgspec.Raw()
_ANY: Final = msgspec.json.Decoder(msgspec.Raw)
SEND: Final = "send an engagement, a list of them, or one a line"


class BadBodyError(ValueError):
    """The body as a whole is not what was asked for."""


class TooManyItemsError(ValueError):
    """The body holds more items than allowed."""


def items(body: bytes, content_type: str, most: int) -> list[bytes]:
    """Return each item's own bytes; raise BadBodyError or TooManyItemsError.

    With a JSON lines type every line is an item, torn or not. Otherwise the body is one JSON text, or lines of
    which each is one.
    """
    found = list(_lines(body, most)) if content_type in _LINE_TYPES else _texts(body, most)
    if not found:
        raise BadBodyError(f"no items; {SEND}")
    return found


def listed(body: bytes, most: int) -> list[bytes]:
    """Return the bytes of each item of a JSON list, none of an empty one; raise BadBodyError or TooManyItemsError."""
    try:
        return _listed(body, most)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadBodyError(f"not a JSON list: {error}; {SEND}") from error


def _texts(body: bytes, most: int) -> list[bytes]:
    try:
        if body.lstrip()[:1] == b"[":
            return _listed(body, most)
        return [bytes(_ANY.decode(body))]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        lines = list(_lines(body, most))
        if len(lines) > 1 and all(map(_is_json, lines)):
            return lines
        raise BadBodyError(f"not JSON: {error}; {SEND}") from error


def _listed(body: bytes, most: int) -> list[bytes]:
    found = msgspec.structs.astuple(_lists(most).decode(body))
    if found[most] is not _NONE:
        raise _too_many(most)
    return [bytes(each) for each in found if each is not _NONE]


@lru_cache(maxsize=8)
def _lists(most: int) -> msgspec.json.Decoder[Any]:
    """Return a decoder of lists with one place more than allowed.

    It skips what comes after without making objects of it: as a plain list, eight megabytes of `1,1,1,…` would
    become millions of objects before anybody could count them.
    """
    fields: list[Any] = [(f"item_{number}", msgspec.Raw, _NONE) for number in range(most + 1)]
    return msgspec.json.Decoder(msgspec.defstruct("List", fields, array_like=True, gc=False))


def _lines(body: bytes, most: int) -> Iterator[bytes]:
    for number, found in enumerate(islice(_LINE.finditer(body), most + 1)):
        if number == most:
            raise _too_many(most)
        if found.group().strip():
            yield found.group()


def _too_many(most: int) -> TooManyItemsError:
    return TooManyItemsError(f"more than {most} items; send at most {most}")


def _is_json(line: bytes) -> bool:
    try:
        _ANY.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
