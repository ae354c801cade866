"""Instants of the contract: RFC 3339 text or integer epoch milliseconds, both as epoch milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from schemas.engagement import MAX_OCCURRED_AT_MS
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

_SECOND_CHARS = 19


@lru_cache(maxsize=100_000)
def _whole_second_ms(text: str) -> int:
    """Return the instant of a date and time without offset: one with seconds left out may hide an offset in them."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not None:
        raise ValueError(text)
    return int(instant.replace(tzinfo=UTC).timestamp()) * 1000


def _text_ms(text: str) -> int:
    if len(text) > _SECOND_CHARS and text[-1] == "Z" and text[10] == "T":
        fraction = text[_SECOND_CHARS:-1]
        if not fraction:
            return _whole_second_ms(text[:_SECOND_CHARS])
        if fraction[0] == "." and fraction[1:].isascii() and fraction[1:].isdigit():
            return _whole_second_ms(text[:_SECOND_CHARS]) + int((fraction[1:] + "00")[:3])
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return (instant - _EPOCH) // _MILLISECOND


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = datetime.resolution * 1000


def epoch_ms(value: int | str, field: str = "occurred_at") -> int:
    """Return epoch milliseconds in 1970..2100; raise BadRecordError with the remedy otherwise.

    >>> epoch_ms("2026-11-24T12:00:00.123Z") == epoch_ms("2026-11-24T13:00:00.123+01:00")
    True
    """
    try:
        ms = value if isinstance(value, int) else _text_ms(value)
    except (ValueError, OverflowError, IndexError) as error:
        detail = f"{field}={shown(value)}: send RFC 3339 with offset, or integer epoch milliseconds"
        raise BadRecordError(Reason.INVALID_FIELD, detail) from error
    if not 0 <= ms <= MAX_OCCURRED_AT_MS:
        detail = f"{field}={shown(value)}: send an instant between 1970 and 2100"
        raise BadRecordError(Reason.INVALID_FIELD, detail)
    return ms


def rfc3339(ms: int) -> str:
    """Return epoch milliseconds as RFC 3339 in UTC.

    >>> rfc3339(1_780_000_000_123)
    '2026-05-28T20:26:40.123Z'
    """
    instant = _EPOCH + ms * _MILLISECOND
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
