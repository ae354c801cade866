"""JMESPath (https://jmespath.org) in mappings: expressions that hold or not, and texts with expressions in braces.

Beside JMESPath's own functions there are `find_all(pattern, text)`, the first group (else the whole) of each place
where a regular expression matches, `unique(list)`, the same without repeats, and `lower(text)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.reasons import Reason

MOST_SEARCHED_CHARS: Final = 100_000
_HASTY_NOT: Final = re.compile(r"!\s*([\w\"]+\.)")
"""`!a.b` is `(!a).b` in JMESPath, which is always null."""
_PIECE: Final = re.compile(r"\{([^{}]*)\}")
Scope = Mapping[str, Any]


class _Functions(functions.Functions):
    """What JMESPath lacks."""

    @functions.signature({"types": ["string"]}, {"types": ["string", "null"]})
    def _func_find_all(self, pattern: str, text: str | None) -> list[str]:
        found = _pattern(pattern).finditer((text or "")[:MOST_SEARCHED_CHARS])
        return [match[1] if match.re.groups else match[0] for match in found]

    @functions.signature({"types": ["array", "null"]})
    def _func_unique(self, values: list[Any] | None) -> list[Any]:
        return [each for at, each in enumerate(values or []) if each not in (values or [])[:at]]

    @functions.signature({"types": ["string", "null"]})
    def _func_lower(self, text: str | None) -> str | None:
        return None if text is None else text.lower()


_OPTIONS: Final = jmespath.Options(custom_functions=_Functions())


class Expression:
    """A JMESPath expression of a mapping; `where` names it in errors."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        if (hasty := _HASTY_NOT.search(text)) is not None:
            raise BadSettingError(where, text, f"{hasty[0]}… asks for a field of a truth value; write !({hasty[1]}…)")
        try:
            self._compiled = jmespath.compile(text)
        except JMESPathError as error:
            raise BadSettingError(where, text, f"no JMESPath: {_line(error)}") from error

    def value(self, scope: Scope) -> Any:
        """Return what it finds in `scope`; BadRecordError when a function is given what it cannot take."""
        try:
            return self._compiled.search(scope, options=_OPTIONS)
        except JMESPathError as error:
            raise BadRecordError(Reason.INVALID_FIELD, f"{self.text}: {_line(error)}") from error

    def holds(self, scope: Scope) -> bool:
        """Whether it finds something: not null, false or empty."""
        found = self.value(scope)
        return not (found is None or found is False or found in ("", [], {}))


class Template:
    """A text with expressions in braces, each of which must find a text or a whole number."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        pieces = _PIECE.split(text)
        if any(brace in piece for piece in pieces[::2] for brace in "{}"):
            raise BadSettingError(where, text, "braces hold one expression each, without braces in it")
        self._texts = pieces[::2]
        self._expressions = [Expression(each, where) for each in pieces[1::2]]

    def text(self, scope: Scope) -> str:
        """Return the text; BadRecordError when an expression finds nothing that can stand in it."""
        found = [self._texts[0]]
        for expression, after in zip(self._expressions, self._texts[1:], strict=True):
            value = expression.value(scope)
            if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
                detail = f"{self.where}: {expression.text} is {shown(value)}; a text or a whole number is needed"
                raise BadRecordError(Reason.INVALID_FIELD, detail)
            found += [str(value), after]
        return "".join(found)


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise BadRecordError(Reason.INVALID_FIELD, f"find_all: {shown(text)} is no pattern ({error})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
