"""Pieces of JSON written into a buffer (u1) that is known to be long enough; each returns the index behind."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from streams.engine.framing import put_slice

DIGITS: Final = 20
"""The longest i8 in decimal, its sign included."""
ESCAPED: Final = 6
"""What one byte of a string takes at most."""
_BASE: Final = np.uint64(10)
_ONE: Final = np.uint64(1)
_SPACE, _COMMA, _MINUS, _ZERO, _BACKSLASH, _CLOSE, _LOWER_U = b" ,-0\\]u"
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_SHORT: Final = np.zeros(256, np.uint8)
"""What stands behind the backslash of a short escape; 0 = none."""
_SHORT[list(b'\b\t\n\f\r"\\')] = list(b'btnfr"\\')


@njit(cache=True, nogil=True)
def number_length(numbers: np.ndarray, p: int) -> int:
    """Return the length of the number at `p`, which a comma or the closing bracket follows."""
    q = np.uint64(p)
    while numbers[q] != _COMMA and numbers[q] != _CLOSE:
        q += _ONE
    return int(np.int64(q) - p)


@njit(cache=True, nogil=True)
def put_number(out: np.ndarray, at: int, numbers: np.ndarray, p: int) -> tuple[int, int]:
    """Copy the number at `p`; return (index behind it in `out`, where the next one begins)."""
    n = number_length(numbers, p)
    return put_slice(out, at, numbers, p, n), p + n + 1


@njit(cache=True, nogil=True)
def put_whole(out: np.ndarray, at: int, value: int) -> int:
    """Write `value` (any i8) in decimal; return the index behind it."""
    left = np.uint64(value)
    if value < 0:
        out[at] = _MINUS
        at += 1
        left = np.uint64(0) - left
    end = at + 1
    over = left
    while over >= _BASE:
        over //= _BASE
        end += 1
    for q in range(end - 1, at - 1, -1):
        out[q] = _ZERO + left % _BASE
        left //= _BASE
    return end


@njit(cache=True, nogil=True)
def put_escaped(out: np.ndarray, at: int, buf: np.ndarray, start: int, n: int) -> int:
    """Write n bytes of UTF-8 as the inside of a JSON string; return the index behind them."""
    for q in range(start, start + n):
        c = buf[q]
        if _SHORT[c]:
            out[at], out[at + 1] = _BACKSLASH, _SHORT[c]
            at += 2
        elif c < _SPACE:
            out[at], out[at + 1], out[at + 2], out[at + 3] = _BACKSLASH, _LOWER_U, _ZERO, _ZERO
            out[at + 4], out[at + 5] = _HEX[c >> 4], _HEX[c & 15]
            at += ESCAPED
        else:
            out[at] = c
            at += 1
    return at
