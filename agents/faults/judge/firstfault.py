"""The judge's own reading of hostile JSON: fields of one flat object, or the first thing that is wrong with it.

Slow and exact: a record's reason depends on which fault stands first, so the bytes are walked once from the left.
Strings of unknown fields are checked for their shape only, as no one will ever read them.
"""

from __future__ import annotations

import json
import re
from typing import Final

MAX_NESTING: Final = 900
"""The interpreter allows about a thousand levels, of which a worker's own calls take some."""
MAX_DIGITS: Final = 4_300
_BLANK: Final = re.compile(rb"[ \t\n\r]*")
_PLAIN: Final = re.compile(rb'[^"\\\x00-\x1f]*')
_NUMBER: Final = re.compile(
    rb"-?(?:0(?![0-9])|[1-9][0-9]*+)(?:(\.[0-9]++)?+([eE][+-]?[0-9]++)|(\.[0-9]++)(?![eE])|(?![.eE]))"
)
"""The longest number that stands there; what begins a fraction or an exponent must go on as one."""
_ESCAPE: Final = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_HIGH: Final = re.compile(rb"\\u[dD][89abAB]")
_LOW: Final = re.compile(rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_LITERALS: Final = {b"t": b"true", b"f": b"false", b"n": b"null"}
_TYPES: Final = {
    "id": "s",
    "kind": "s",
    "actor": "s",
    "target": "s",
    "occurred_at": "is",
    "object": "sn",
    "undo": "tf",
}
"""Known fields and what each may be: string, integer, true, false, null."""
REQUIRED: Final = ("id", "kind", "actor", "target", "occurred_at")
Fields = dict[str, str | int | bool | None]


class UndecodableError(Exception):
    """The bytes are not JSON from some place on."""


class MisfitError(Exception):
    """A known field has a wrong type or is missing, and nothing before it was broken."""


class Walk:
    """One walk over `raw`; `at` is the next byte to look at."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def fields(self) -> Fields:
        """Return the known fields of the object; raise UndecodableError or MisfitError, whichever comes first."""
        if self._next() != b"{":
            self._scalar()
            raise MisfitError
        found = self._members()
        if any(name not in found for name in REQUIRED):
            raise MisfitError
        if self._next():
            raise UndecodableError
        return found

    def _members(self) -> Fields:
        found: Fields = {}
        self.at += 1
        if self._next() == b"}":
            self.at += 1
            return found
        while True:
            name = self._key()
            if name in _TYPES:
                found[name] = self._known(_TYPES[name])
            else:
                self._skip()
            if self._closes(b"}"):
                return found

    def _next(self) -> bytes:
        """Move over blanks; return the byte there, empty at the end."""
        self.at = _BLANK.match(self.raw, self.at).end()  # type: ignore[union-attr]
        return self.raw[self.at : self.at + 1]

    def _key(self) -> str:
        if self._next() != b'"':
            raise UndecodableError
        name = self._string()
        if self._next() != b":":
            raise UndecodableError
        self.at += 1
        return json.loads(name.decode(errors="replace")) if b"\\" in name else name[1:-1].decode(errors="replace")

    def _closes(self, closing: bytes) -> bool:
        """Move over a comma or the closing byte; return whether it was the latter."""
        byte = self._next()
        if byte not in {b",", closing}:
            raise UndecodableError
        self.at += 1
        return byte == closing

    def _known(self, allowed: str) -> str | int | bool | None:
        kind, raw = self._scalar()
        if kind not in allowed:
            raise MisfitError
        if kind == "i" and len(raw.lstrip(b"-")) > MAX_DIGITS:
            raise MisfitError
        try:
            value: str | int | bool | None = json.loads(raw.decode())
        except UnicodeDecodeError as error:
            raise UndecodableError from error
        return value

    def _scalar(self) -> tuple[str, bytes]:
        """Return what stands next (s, i, d, t, f, n, or a bracket, which is not moved over) and its bytes."""
        byte = self._next()
        if byte == b'"':
            return "s", self._string()
        if byte in {b"[", b"{"}:
            return byte.decode(), byte
        if byte in _LITERALS:
            return byte.decode(), self._taken(_LITERALS[byte])
        match = _NUMBER.match(self.raw, self.at)
        if match is None:
            raise UndecodableError
        self.at = match.end()
        return ("d" if any(match.groups()) else "i"), match.group()

    def _taken(self, literal: bytes) -> bytes:
        if not self.raw.startswith(literal, self.at):
            raise UndecodableError
        self.at += len(literal)
        return literal

    def _string(self) -> bytes:
        """Move over a string and return it with its quotes; half a surrogate pair breaks it."""
        start, self.at = self.at, self.at + 1
        while True:
            self.at = _PLAIN.match(self.raw, self.at).end()  # type: ignore[union-attr]
            if self.raw[self.at : self.at + 1] == b'"':
                self.at += 1
                return self.raw[start : self.at]
            self._escape()

    def _escape(self) -> None:
        match = _ESCAPE.match(self.raw, self.at)
        if match is None:
            raise UndecodableError
        self.at = match.end()
        if not _SURROGATE.match(match.group()):
            return
        low = _LOW.match(self.raw, self.at)
        if low is None or not _HIGH.match(match.group()):
            raise UndecodableError
        self.at = low.end()

    def _skip(self) -> None:
        """Move over any value, however deep up to MAX_NESTING."""
        closing: list[bytes] = []
        while True:
            if not self._opened(closing) and not self._scalar_or_close(closing):
                continue
            while closing:
                if not self._closes(closing[-1]):
                    break
                closing.pop()
            if not closing:
                return
            if closing[-1] == b"}":
                self._key()

    def _opened(self, closing: list[bytes]) -> bool:
        """Enter a container if one stands next; return whether it was empty, hence is over already."""
        byte = self._next()
        if byte not in {b"[", b"{"}:
            return False
        if len(closing) >= MAX_NESTING:
            raise UndecodableError
        self.at += 1
        end = b"]" if byte == b"[" else b"}"
        if self._next() == end:
            self.at += 1
            return True
        closing.append(end)
        if end == b"}":
            self._key()
        return False

    def _scalar_or_close(self, closing: list[bytes]) -> bool:
        """Move over a scalar; return whether one stood next."""
        if closing and self._next() in {b"[", b"{"}:
            return False
        self._scalar()
        return True
