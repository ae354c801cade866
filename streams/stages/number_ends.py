"""Numbers in JSON that a machine wrote, found in place: each returns -1 at the least doubt, and takes -1 for a start.

Where a number ends is told by its own characters; what follows it is the caller's to check. Every kernel looks at
the bytes of `buf` (u1) before `end` alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from streams.stages.lexemes import MAX_DIGITS, MINUS, NINE, NO, ZERO

POINT, LOWER_E = b".e"
_ONE = np.uint64(1)
_SURE_EXPONENT = 2
"""Digits of an exponent that no mantissa takes out of the range of a float; more are doubtful."""


@njit(cache=True, nogil=True)
def _past_digits(buf: np.ndarray, p: int, end: int) -> int:
    """Return the index behind the digits at `p`, `p` itself when there are none; unsigned, as in `put_slice`."""
    q, stop = np.uint64(p), np.uint64(end)
    while q < stop and ZERO <= buf[q] <= NINE:
        q += _ONE
    return int(np.int64(q))


@njit(cache=True, nogil=True)
def digits_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of 1..MAX_DIGITS digits from `p`, or -1."""
    q = _past_digits(buf, p, end) if p >= 0 else NO
    return q if 0 < q - p <= MAX_DIGITS else NO


@njit(cache=True, nogil=True)
def whole_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the whole number at `p`, or -1."""
    q = digits_end(buf, p, end)
    return NO if q < 0 or (buf[p] == ZERO and q > p + 1) else q


@njit(cache=True, nogil=True)
def point_end(buf: np.ndarray, p: int, end: int) -> tuple[int, int]:
    """Return (the point, the end) of the digits with a point at `p`, or -1 twice."""
    point = whole_end(buf, p, end)
    if point < 0 or point >= end or buf[point] != POINT:
        return NO, NO
    q = _past_digits(buf, point + 1, end)
    is_shortest = q == point + 2 or buf[q - 1] != ZERO
    return (point, q) if q > point + 1 and is_shortest else (NO, NO)


@njit(cache=True, nogil=True)
def float_end(buf: np.ndarray, p: int, end: int) -> tuple[int, int]:
    """Return (its exponent's e or its end, its end) of the float at `p`, or -1 twice."""
    if p < 0 or p >= end:
        return NO, NO
    p += buf[p] == MINUS
    point, q = point_end(buf, p, end)
    if point < 0:
        q = whole_end(buf, p, end)
        if q < 0 or q >= end or buf[q] != LOWER_E:
            return NO, NO
    if q >= end or buf[q] != LOWER_E:
        return q, q
    first = q + 1
    first += first < end and buf[first] == MINUS
    last = whole_end(buf, first, end)
    return (q, last) if 0 < last <= first + _SURE_EXPONENT else (NO, NO)


@njit(cache=True, nogil=True)
def past_byte(buf: np.ndarray, p: int, end: int, byte: int) -> int:
    """Return the index behind the byte at `p`, -1 when another one stands there or p is -1."""
    return p + 1 if 0 <= p < end and buf[p] == byte else NO


@njit(cache=True, nogil=True)
def hundredths(buf: np.ndarray, p: int, q: int) -> int:
    """Return the whole hundredths of the float in buf[p:q], which is sound and not 1e16 or more.

    Of a larger one it is some number above zero, of a negative one zero.
    """
    value, left = np.int64(0), np.int64(2)
    is_behind = False
    for at in range(p, q):
        c = buf[at]
        if c == MINUS:
            return 0
        if c == LOWER_E:
            return 0 if buf[at + 1] == MINUS else int(value + 1)
        if c == POINT:
            is_behind = True
        elif left > 0:
            value = value * 10 + np.int64(c) - np.int64(ZERO)
            left -= is_behind
    return int(value * (100 if left == 2 else 10 if left == 1 else 1))  # noqa: PLR2004
