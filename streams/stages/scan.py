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
_IS_PLAIN: Final = np.array([0x20 <= c <= 0x7E and c not in b'"\\' for c in range(256)])
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_FEBRUARY: Final = 2
_EPOCH_YEAR, _END_YEAR = 1970, 2100
_SECOND_CHARS: Final = 19


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
    while p < end and (buf[p] == 0x20 or buf[p] == 0x0A or buf[p] == 0x0D or buf[p] == 0x09):
        p += 1
    return p


@njit(cache=True, nogil=True)
def _string_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return where the closing quote of the plain string that begins at `p` is, or -1."""
    while p < end and _IS_PLAIN[buf[p]]:
        p += 1
    return p if p < end and buf[p] == 0x22 else _NO


@njit(cache=True, nogil=True)
def _digits_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of 1.._MAX_DIGITS digits from `p`, or -1."""
    q = p
    while q < end and 0x30 <= buf[q] <= 0x39:
        q += 1
    return q if 0 < q - p <= _MAX_DIGITS else _NO


@njit(cache=True, nogil=True)
def _scalar_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the number or literal at `p`, or -1; what follows it is the caller's to check."""
    c = buf[p]
    if c == 0x74 or c == 0x66 or c == 0x6E:
        n = 5 if c == 0x66 else 4
        return p + n if p + n <= end and _word(_LITERALS, buf, p, n) < len(_LITERALS) else _NO
    if c == 0x2D:
        p += 1
    q = _digits_end(buf, p, end)
    if q < 0 or (buf[p] == 0x30 and q > p + 1):
        return _NO
    if q < end and buf[q] == 0x2E:
        q = _digits_end(buf, q + 1, end)
    return q


@njit(cache=True, nogil=True)
def _number(buf: np.ndarray, p: int, n: int) -> int:
    """Return the number that the n bytes from `p` spell in digits alone, or -1; n is at most _MAX_DIGITS."""
    value = 0
    for q in range(p, p + n):
        if buf[q] < 0x30 or buf[q] > 0x39:
            return _NO
        value = value * 10 + np.int64(buf[q]) - 0x30
    return value


@njit(cache=True, nogil=True)
def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970 in the Gregorian calendar, or -1 for a day that it lacks or before 1970 or after 2099."""
    if year < _EPOCH_YEAR or year >= _END_YEAR or month < 1 or month > 12 or day < 1:
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
    if buf[p + 4] != 0x2D or buf[p + 7] != 0x2D or buf[p + 10] != 0x54 or buf[p + 13] != 0x3A or buf[p + 16] != 0x3A:
        return _NO
    days = _days(_number(buf, p, 4), _number(buf, p + 5, 2), _number(buf, p + 8, 2))
    hour, minute, second = _number(buf, p + 11, 2), _number(buf, p + 14, 2), _number(buf, p + 17, 2)
    if days < 0 or min(hour, minute, second) < 0 or hour > 23 or minute > 59 or second > 59:
        return _NO
    q, last = p + _SECOND_CHARS, p + n - 1
    if buf[last] != 0x5A:
        return _NO
    ms = 0
    if q < last:
        if buf[q] != 0x2E or _digits_end(buf, q + 1, last) != last:
            return _NO
        shown = min(last - q - 1, 3)
        ms = _number(buf, q + 1, shown)
        for _ in range(shown, 3):
            ms *= 10
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms


@njit(cache=True, nogil=True)
def _is_user(buf: np.ndarray, p: int, n: int) -> bool:
    """Whether the plain text is `network:native-id` of an open network, within the limit."""
    if n > MAX_USER_BYTES:
        return False
    q = 0
    while q < n and q <= _MAX_NETWORK and buf[p + q] != 0x3A:
        c = buf[p + q]
        if not (0x61 <= c <= 0x7A or 0x30 <= c <= 0x39 or c == 0x2D):
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
def _record(buf: np.ndarray, start: int, length: int, latest_ms: int, spans: np.ndarray, i: int) -> tuple[int, int]:
    """Return (kind, epoch ms) and fill column i of `spans`; kind -1 = not plain or not admitted."""
    kind, at_ms, found, end = 0, 0, 0, start + length
    p = _after_blanks(buf, start, end)
    if length > MAX_RECORD_BYTES or p >= end or buf[p] != 0x7B:
        return _NO, 0
    while True:
        p = _after_blanks(buf, p + 1, end)
        if p >= end or buf[p] != 0x22:
            return _NO, 0
        q = _string_end(buf, p + 1, end)
        if q < 0:
            return _NO, 0
        field = _word(_FIELD_WORDS, buf, p + 1, q - p - 1)
        if field < _UNKNOWN:
            if found & (1 << field):
                return _NO, 0
            found |= 1 << field
        p = _after_blanks(buf, q + 1, end)
        if p >= end or buf[p] != 0x3A:
            return _NO, 0
        p = _after_blanks(buf, p + 1, end)
        if p >= end:
            return _NO, 0
        if buf[p] == 0x22:
            p += 1
            q = _string_end(buf, p, end)
            n = q - p
            if q < 0:
                return _NO, 0
            if field == _ID:
                if n < 1 or n > MAX_ID_BYTES:
                    return _NO, 0
                spans[ID_AT, i], spans[ID_LEN, i] = p, n
            elif field == _ACTOR or field == _TARGET:
                if not _is_user(buf, p, n):
                    return _NO, 0
                row = ACTOR_AT if field == _ACTOR else TARGET_AT
                spans[row, i], spans[row + 1, i] = p, n
            elif field == _KIND:
                kind = _word(_KIND_WORDS, buf, p, n)
                if kind == len(_KIND_WORDS):
                    return _NO, 0
            elif field == _OCCURRED_AT:
                at_ms = _instant(buf, p, n)
                if at_ms < 0:
                    return _NO, 0
            elif field == _UNDO or (field == _OBJECT and n > MAX_OBJECT_BYTES):
                return _NO, 0
            q += 1
        else:
            q = _scalar_end(buf, p, end)
            if q < 0:
                return _NO, 0
            if field == _OCCURRED_AT:
                at_ms = _number(buf, p, q - p) if q - p <= _MAX_DIGITS else _NO
                if at_ms < 0:
                    return _NO, 0
            elif field == _UNDO:
                if buf[p] != 0x66:
                    return _NO, 0
            elif field == _OBJECT:
                if buf[p] != 0x6E:
                    return _NO, 0
            elif field < _UNKNOWN:
                return _NO, 0
        p = _after_blanks(buf, q, end)
        if p >= end:
            return _NO, 0
        if buf[p] == 0x7D:
            break
        if buf[p] != 0x2C:
            return _NO, 0
    if _after_blanks(buf, p + 1, end) != end or found & _REQUIRED != _REQUIRED:
        return _NO, 0
    if at_ms > min(latest_ms, MAX_OCCURRED_AT_MS):
        return _NO, 0
    n = spans[ACTOR_LEN, i]
    if n == spans[TARGET_LEN, i] and _are_same(buf, spans[ACTOR_AT, i], spans[TARGET_AT, i], n):
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
