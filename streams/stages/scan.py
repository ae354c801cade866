"""Engagements read where they lie, as far as their JSON has the plain shape that producers write.

Memory layout: record i is buf[at[i] : at[i] + length[i]] (u1). `spans` (i8[6, n]) holds start and length of the
text of id, actor and target, found in place; nothing is copied. Plain means: one flat object; strings of printable
ASCII without escapes; scalar values; numbers without exponent; a known field at most once; valid and admitted.
The scan gives up on everything else, at the least doubt, and `schemas.codec` decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from schemas.engagement import (
    MAX_ID_BYTES,
    MAX_OBJECT_BYTES,
    MAX_OCCURRED_AT_MS,
    MAX_RECORD_BYTES,
    MAX_USER_BYTES,
)
from schemas.kinds import KINDS
from schemas.redis_keys import RESERVED_NETWORK

SPANS: Final = 6
ID_AT, ID_LEN, ACTOR_AT, ACTOR_LEN, TARGET_AT, TARGET_LEN = range(SPANS)
_FIELDS: Final = ("id", "kind", "actor", "target", "occurred_at", "object", "undo")
_ID, _KIND, _ACTOR, _TARGET, _OCCURRED_AT, _OBJECT, _UNDO, _UNKNOWN = range(len(_FIELDS) + 1)
_REQUIRED: Final = 1 << _ID | 1 << _KIND | 1 << _ACTOR | 1 << _TARGET | 1 << _OCCURRED_AT
_MAX_NETWORK: Final = 32
_MAX_DIGITS: Final = 17
_NO: Final = -1


def _table(words: tuple[str, ...]) -> np.ndarray:
    """Return u1[n, 1 + longest]: each word's length, then its bytes."""
    table = np.zeros((len(words), 1 + max(map(len, words))), np.uint8)
    for row, word in zip(table, words, strict=True):
        row[0] = len(word)
        row[1 : 1 + len(word)] = np.frombuffer(word.encode(), np.uint8)
    return table


_FIELD_WORDS: Final = _table(_FIELDS)
_KIND_WORDS: Final = _table(KINDS)
_LITERALS: Final = _table(("true", "false", "null"))
_RESERVED: Final = _table((RESERVED_NETWORK,))
_IS_PLAIN: Final = np.array([chr(c).isascii() and chr(c).isprintable() and c not in b'"\\' for c in range(256)])
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_FEBRUARY: Final = 2
_SPACE, _TAB, _LINE_FEED, _RETURN = b" \t\n\r"
_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE = b'":,{}'
_MINUS, _POINT, _ZERO, _NINE, _LOWER_A, _LOWER_Z, _UPPER_T, _UPPER_Z = b"-.09azTZ"
_T, _F, _N = b"tfn"
_EPOCH_YEAR, _END_YEAR = 1970, 2100
_SECOND_CHARS: Final = 19
_HOURS, _SIXTY = 24, 60


@njit(cache=True, nogil=True)
def _word(table: np.ndarray, buf: np.ndarray, at: int, n: int) -> int:
    """Return which word of `table` the n bytes at `at` are, or the table's length."""
    for i in range(len(table)):
        if table[i, 0] == n:
            q = 0
            while q < n and table[i, 1 + q] == buf[at + q]:
                q += 1
            if q == n:
                return i
    return len(table)


@njit(cache=True, nogil=True)
def _after_blanks(buf: np.ndarray, p: int, end: int) -> int:
    while p < end and (buf[p] == _SPACE or buf[p] == _LINE_FEED or buf[p] == _RETURN or buf[p] == _TAB):
        p += 1
    return p


@njit(cache=True, nogil=True)
def _string_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return where the closing quote of the plain string that begins at `p` is, or -1."""
    while p < end and _IS_PLAIN[buf[p]]:
        p += 1
    return p if p < end and buf[p] == _QUOTE else _NO


@njit(cache=True, nogil=True)
def _digits_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of 1.._MAX_DIGITS digits from `p`, or -1."""
    q = p
    while q < end and _ZERO <= buf[q] <= _NINE:
        q += 1
    return q if 0 < q - p <= _MAX_DIGITS else _NO


@njit(cache=True, nogil=True)
def _scalar_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the number or literal at `p`, or -1; what follows it is the caller's to check."""
    c = buf[p]
    if c == _T or c == _F or c == _N:  # noqa: SIM109, PLR1714 - numba builds the tuple every time
        n = 5 if c == _F else 4
        return p + n if p + n <= end and _word(_LITERALS, buf, p, n) < len(_LITERALS) else _NO
    if c == _MINUS:
        p += 1
    q = _digits_end(buf, p, end)
    if q < 0 or (buf[p] == _ZERO and q > p + 1):
        return _NO
    if q < end and buf[q] == _POINT:
        q = _digits_end(buf, q + 1, end)
    return q


@njit(cache=True, nogil=True)
def _number(buf: np.ndarray, p: int, n: int) -> int:
    """Return the number that the n bytes from `p` spell in digits alone, or -1; n is at most _MAX_DIGITS."""
    value = 0
    for q in range(p, p + n):
        if buf[q] < _ZERO or buf[q] > _NINE:
            return _NO
        value = value * 10 + np.int64(buf[q]) - _ZERO
    return value


@njit(cache=True, nogil=True)
def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970 in the Gregorian calendar, or -1 for a day that it lacks or before 1970 or after 2099."""
    if year < _EPOCH_YEAR or year >= _END_YEAR or month < 1 or month >= len(_MONTH_DAYS) or day < 1:
        return _NO
    leap = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    if day > _MONTH_DAYS[month] + (leap if month == _FEBRUARY else 0):
        return _NO
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    for m in range(1, month):
        days += _MONTH_DAYS[m]
    return days + (leap if month > _FEBRUARY else 0) + day - 1


@njit(cache=True, nogil=True)
def _instant(buf: np.ndarray, p: int, n: int) -> int:
    """Return epoch ms of `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction cut to ms, or -1."""
    if n <= _SECOND_CHARS or n > _SECOND_CHARS + 2 + _MAX_DIGITS:
        return _NO
    if buf[p + 4] != _MINUS or buf[p + 7] != _MINUS or buf[p + 10] != _UPPER_T:
        return _NO
    if buf[p + 13] != _COLON or buf[p + 16] != _COLON:
        return _NO
    days = _days(_number(buf, p, 4), _number(buf, p + 5, 2), _number(buf, p + 8, 2))
    hour, minute, second = _number(buf, p + 11, 2), _number(buf, p + 14, 2), _number(buf, p + 17, 2)
    if days < 0 or min(hour, minute, second) < 0 or hour >= _HOURS or max(minute, second) >= _SIXTY:
        return _NO
    q, last = p + _SECOND_CHARS, p + n - 1
    if buf[last] != _UPPER_Z:
        return _NO
    ms = 0
    if q < last:
        if buf[q] != _POINT or _digits_end(buf, q + 1, last) != last:
            return _NO
        shown = min(last - q - 1, 3)
        ms = _number(buf, q + 1, shown)
        for _ in range(shown, 3):
            ms *= 10
    return (((days * _HOURS + hour) * _SIXTY + minute) * _SIXTY + second) * 1000 + ms


@njit(cache=True, nogil=True)
def _is_user(buf: np.ndarray, p: int, n: int) -> bool:
    """Whether the plain text is `network:native-id` of an open network, within the limit."""
    if n > MAX_USER_BYTES:
        return False
    q = 0
    while q < n and q <= _MAX_NETWORK and buf[p + q] != _COLON:
        c = buf[p + q]
        if not (_LOWER_A <= c <= _LOWER_Z or _ZERO <= c <= _NINE or c == _MINUS):
            return False
        q += 1
    if q < 1 or q > _MAX_NETWORK or q + 1 >= n:
        return False
    return _word(_RESERVED, buf, p, q) == len(_RESERVED)


@njit(cache=True, nogil=True)
def _are_same(buf: np.ndarray, a: int, b: int, n: int) -> bool:
    q = 0
    while q < n and buf[a + q] == buf[b + q]:
        q += 1
    return q == n


@njit(cache=True, nogil=True)
def _of_text(field: int, buf: np.ndarray, p: int, n: int, spans: np.ndarray, i: int) -> int:
    """Return what the plain text means as `field` (kind, epoch ms, else 0), or -1; note where it is in `spans`."""
    if field == _ID:
        spans[ID_AT, i], spans[ID_LEN, i] = p, n
        return 0 if 0 < n <= MAX_ID_BYTES else _NO
    if field == _ACTOR or field == _TARGET:  # noqa: SIM109, PLR1714 - numba builds the tuple every time
        row = ACTOR_AT if field == _ACTOR else TARGET_AT
        spans[row, i], spans[row + 1, i] = p, n
        return 0 if _is_user(buf, p, n) else _NO
    if field == _KIND:
        kind = _word(_KIND_WORDS, buf, p, n)
        return kind if kind < len(_KIND_WORDS) else _NO
    if field == _OCCURRED_AT:
        return _instant(buf, p, n)
    if field == _UNDO or (field == _OBJECT and n > MAX_OBJECT_BYTES):
        return _NO
    return 0


@njit(cache=True, nogil=True)
def _of_scalar(field: int, buf: np.ndarray, p: int, n: int) -> int:
    """Return what the number or literal means as `field` (epoch ms, else 0), or -1."""
    if field == _OCCURRED_AT:
        return _number(buf, p, n) if n <= _MAX_DIGITS else _NO
    if field == _UNDO:
        return 0 if buf[p] == _F else _NO
    if field == _OBJECT:
        return 0 if buf[p] == _N else _NO
    return 0 if field == _UNKNOWN else _NO


@njit(cache=True, nogil=True)
def _key_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the plain text in quotes at `p`, where its closing quote is, or -1."""
    return _string_end(buf, p + 1, end) if p < end and buf[p] == _QUOTE else _NO


@njit(cache=True, nogil=True)
def _value_at(buf: np.ndarray, p: int, end: int) -> int:
    """Return where the value begins whose colon comes next from `p`, or -1."""
    p = _after_blanks(buf, p, end)
    if p >= end or buf[p] != _COLON:
        return _NO
    p = _after_blanks(buf, p + 1, end)
    return p if p < end else _NO


@njit(cache=True, nogil=True)
def _is_admitted(buf: np.ndarray, spans: np.ndarray, i: int, found: int, at_ms: int, latest_ms: int) -> bool:
    """Whether nothing is missing from the record, it is not too new, and not an act towards oneself."""
    if found & _REQUIRED != _REQUIRED or at_ms > min(latest_ms, MAX_OCCURRED_AT_MS):
        return False
    n = spans[ACTOR_LEN, i]
    return n != spans[TARGET_LEN, i] or not _are_same(buf, spans[ACTOR_AT, i], spans[TARGET_AT, i], n)


@njit(cache=True, nogil=True)
def _record(  # noqa: C901, PLR0911, PLR0912 - one walk over the bytes, which ends at the first doubt
    buf: np.ndarray, start: int, length: int, latest_ms: int, spans: np.ndarray, i: int
) -> tuple[int, int]:
    """Return (kind, epoch ms) and fill column i of `spans`; kind -1 = not plain or not admitted."""
    kind, at_ms, found, end = 0, 0, 0, start + length
    p = _after_blanks(buf, start, end)
    if length > MAX_RECORD_BYTES or p >= end or buf[p] != _OPEN:
        return _NO, 0
    while True:
        p = _after_blanks(buf, p + 1, end)
        q = _key_end(buf, p, end)
        if q < 0:
            return _NO, 0
        field = _word(_FIELD_WORDS, buf, p + 1, q - p - 1)
        if field < _UNKNOWN and found & (1 << field):
            return _NO, 0
        found |= 1 << field
        p = _value_at(buf, q + 1, end)
        if p < 0:
            return _NO, 0
        if buf[p] == _QUOTE:
            q = _string_end(buf, p + 1, end)
            value = _of_text(field, buf, p + 1, q - p - 1, spans, i) if q > 0 else _NO
            q += 1
        else:
            q = _scalar_end(buf, p, end)
            value = _of_scalar(field, buf, p, q - p) if q > 0 else _NO
        if value < 0:
            return _NO, 0
        if field == _KIND:
            kind = value
        elif field == _OCCURRED_AT:
            at_ms = value
        p = _after_blanks(buf, q, end)
        if p >= end or (buf[p] != _COMMA and buf[p] != _CLOSE):
            return _NO, 0
        if buf[p] == _CLOSE:
            break
    if _after_blanks(buf, p + 1, end) != end or not _is_admitted(buf, spans, i, found, at_ms, latest_ms):
        return _NO, 0
    return kind, at_ms


@njit(cache=True, nogil=True)
def scan(
    buf: np.ndarray, at: np.ndarray, length: np.ndarray, appended_ms: np.ndarray, skew_ms: int, spans: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (doubtful u1, kinds u1, epoch ms i8) of n records and fill `spans`; length -1 = null.

    A record that is not doubtful is exactly the act that `schemas.codec` finds in it, has no `undo`, and is at most
    `skew_ms` ahead of the instant it was appended at.
    """
    doubtful = np.empty(len(at), np.uint8)
    kinds = np.empty(len(at), np.uint8)
    at_ms = np.empty(len(at), np.int64)
    for i in range(len(at)):
        kind, at_ms[i] = _record(buf, at[i], length[i], appended_ms[i] + skew_ms, spans, i)
        doubtful[i] = kind < 0
        kinds[i] = max(kind, 0)
    return doubtful, kinds, at_ms
