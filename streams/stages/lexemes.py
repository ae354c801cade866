"""Pieces of plain JSON in a buffer (u1), found in place: words, strings, numbers, instants.

Every kernel looks at the bytes before `end`, or at n bytes, alone, and returns -1 at the least doubt.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

NO: Final = -1
MAX_DIGITS: Final = 17
_SPACE, _TAB, _LINE_FEED, _RETURN = b" \t\n\r"
QUOTE, COLON, COMMA, OPEN, CLOSE = b'":,{}'
MINUS, _POINT, ZERO, NINE, LOWER_A, LOWER_Z, _UPPER_T, _UPPER_Z = b"-.09azTZ"
_T, F, N = b"tfn"
_EPOCH_YEAR, _END_YEAR = 1970, 2100
_SECOND_CHARS: Final = 19
_HOURS, _SIXTY = 24, 60
_FEBRUARY: Final = 2


def word_table(words: tuple[str, ...]) -> np.ndarray:
    """Return u1[n, 1 + longest]: each word's length, then its bytes."""
    table = np.zeros((len(words), 1 + max(map(len, words))), np.uint8)
    for row, word in zip(table, words, strict=True):
        row[0] = len(word)
        row[1 : 1 + len(word)] = np.frombuffer(word.encode(), np.uint8)
    return table


_LITERALS: Final = word_table(("true", "false", "null"))
_IS_PLAIN: Final = np.array([chr(c).isascii() and chr(c).isprintable() and c not in b'"\\' for c in range(256)])
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@njit(cache=True, nogil=True)
def word(table: np.ndarray, buf: np.ndarray, at: int, n: int) -> int:
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
def after_blanks(buf: np.ndarray, p: int, end: int) -> int:
    """Return the first place from `p` on that is no white space, or `end`."""
    while p < end and (buf[p] == _SPACE or buf[p] == _LINE_FEED or buf[p] == _RETURN or buf[p] == _TAB):
        p += 1
    return p


@njit(cache=True, nogil=True)
def string_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return where the closing quote of the plain string that begins at `p` is, or -1."""
    while p < end and _IS_PLAIN[buf[p]]:
        p += 1
    return p if p < end and buf[p] == QUOTE else NO


@njit(cache=True, nogil=True)
def _digits_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of 1..MAX_DIGITS digits from `p`, or -1."""
    q = p
    while q < end and ZERO <= buf[q] <= NINE:
        q += 1
    return q if 0 < q - p <= MAX_DIGITS else NO


@njit(cache=True, nogil=True)
def scalar_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the number or literal at `p`, or -1; what follows it is the caller's to check."""
    c = buf[p]
    if c == _T or c == F or c == N:  # noqa: SIM109, PLR1714 - numba builds the tuple every time
        n = 5 if c == F else 4
        return p + n if p + n <= end and word(_LITERALS, buf, p, n) < len(_LITERALS) else NO
    if c == MINUS:
        p += 1
    q = _digits_end(buf, p, end)
    if q < 0 or (buf[p] == ZERO and q > p + 1):
        return NO
    if q < end and buf[q] == _POINT:
        q = _digits_end(buf, q + 1, end)
    return q


@njit(cache=True, nogil=True)
def number(buf: np.ndarray, p: int, n: int) -> int:
    """Return the number that the n bytes from `p` spell in digits alone, or -1; n is at most MAX_DIGITS."""
    value = np.int64(0)
    for q in range(p, p + n):
        if buf[q] < ZERO or buf[q] > NINE:
            return NO
        value = value * 10 + np.int64(buf[q]) - ZERO
    return int(value)


@njit(cache=True, nogil=True)
def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970 in the Gregorian calendar, or -1 for a day that it lacks or before 1970 or after 2099."""
    if year < _EPOCH_YEAR or year >= _END_YEAR or month < 1 or month >= len(_MONTH_DAYS) or day < 1:
        return NO
    leap = 1 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 0
    if day > _MONTH_DAYS[month] + (leap if month == _FEBRUARY else 0):
        return NO
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    for m in range(1, month):
        days += _MONTH_DAYS[m]
    return days + (leap if month > _FEBRUARY else 0) + day - 1


@njit(cache=True, nogil=True)
def instant(buf: np.ndarray, p: int, n: int) -> int:
    """Return epoch ms of `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, the fraction cut to ms, or -1."""
    if n <= _SECOND_CHARS or n > _SECOND_CHARS + 2 + MAX_DIGITS:
        return NO
    is_dated = buf[p + 4] == MINUS and buf[p + 7] == MINUS and buf[p + 10] == _UPPER_T
    if not is_dated or buf[p + n - 1] != _UPPER_Z or buf[p + 13] != COLON or buf[p + 16] != COLON:
        return NO
    days = _days(number(buf, p, 4), number(buf, p + 5, 2), number(buf, p + 8, 2))
    hour, minute, second = number(buf, p + 11, 2), number(buf, p + 14, 2), number(buf, p + 17, 2)
    if days < 0 or min(hour, minute, second) < 0 or hour >= _HOURS or max(minute, second) >= _SIXTY:
        return NO
    q, last, ms = p + _SECOND_CHARS, p + n - 1, 0
    if q < last:
        if buf[q] != _POINT or _digits_end(buf, q + 1, last) != last:
            return NO
        shown = min(last - q - 1, 3)
        ms = number(buf, q + 1, shown)
        for _ in range(shown, 3):
            ms *= 10
    return (((days * _HOURS + hour) * _SIXTY + minute) * _SIXTY + second) * 1000 + ms
