"""Scores read where they lie, as far as their JSON is just what a worker writes, and laid out for the write script.

Memory layout: record i's key is buf[key_at[i] : key_at[i] + key_len[i]] (u1), its value likewise. What the script
takes of it goes to out[bounds[i] : bounds[i + 1]]: VALUES MessagePack texts in the order of the fields in the topic,
nothing for a doubtful record. The scan gives up at the least doubt, and `schemas.score` decides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from schemas.kinds import KINDS
from schemas.score import Counts, Parts
from streams.engine.framing import Slices, put_slice
from streams.stages.lexemes import MINUS, NO, QUOTE, ZERO, number, string_end, word, word_table
from streams.stages.number_ends import POINT, float_end, hundredths, past_byte, point_end, whole_end

VALUES: Final = 14
"""The fields of `Score` from score to model, user apart."""
LEAST_HUNDREDTHS: Final = 1
"""Momentum below 0.01 is at rest: nobody trends, and that leaderboard stays as small as the crowd that is active."""
COLUMNS: Final = 5
VERSION, AS_OF, PRODUCED_AT, TRENDING, PLACE = range(COLUMNS)
_THOUSANDTHS, _FIVE = 4, 5
"""Length of a point and three decimals; the thousandth in the middle."""
_MORE: Final = 8 * VALUES
"""More than the lengths before the texts, padded decimals and longer exponents add to a record."""
_PLUS, _COMMA, _OPEN, _CLOSE = b"+,[]"
_FIXTEXT, _TEXT_8, _TEXT_16 = 0xA0, 0xD9, 0xDA
_FIXTEXT_END, _TEXT_8_END, _TEXT_16_END = 1 << 5, 1 << 8, 1 << 16
_SMALL_FROM: Final = 4
"""Below 1e-4 Python writes an exponent and the topic may not: zeros behind the point from which a text is doubtful."""
_KINDS: Final = word_table(KINDS)
_IS_APART: Final = np.array([c < ord(" ") or c in b'"\\' for c in range(256)])
"""What does not stand for itself inside a JSON string."""
_ROUNDS_UP: Final = np.array([f"{n / 1000:.2f}" != f"{n // 10 / 100:.2f}" for n in range(5, 100_000, 10)])
"""Whether n hundredths and 5 thousandths round up: as binary fractions some lie above the middle and some below."""


def _pieces() -> list[str]:
    """Return what stands between the values, in order."""
    shown = ("score", "target_score", "raw", "relationships", "momentum", "reach", "percentile", "provisional")
    parts, counts = ([f',"{name}":' for name in of.__struct_fields__] for of in (Parts, Counts))
    return [
        '{"user":"', f'","{shown[0]}":', *(f',"{name}":' for name in shown[1:]),
        f',"parts":{{{parts[0][1:]}', *parts[1:], f'}},"counts_7d":{{{counts[0][1:]}', *counts[1:],
        '},"moments":', ',"as_of":', ',"version":', ',"model":', ',"produced_at_ms":', ',"emitted_at_ms":', "}",
        "true", "false",
    ]  # fmt: skip


_PIECES: Final = np.frombuffer("".join(_pieces()).encode(), np.uint8)
_ENDS: Final = np.cumsum([0, *map(len, _pieces())])
_PARTS: Final = 9
_COUNTS: Final = _PARTS + len(Parts.__struct_fields__)
_MOMENTS: Final = _COUNTS + len(Counts.__struct_fields__)
_TRUE: Final = _MOMENTS + 7


class Scanned(NamedTuple):
    """Of n records: `plain` u1[n], `numbers` i8[COLUMNS, n], `texts` and `bounds` i8[n + 1] into it."""

    plain: np.ndarray
    numbers: np.ndarray
    texts: bytes
    bounds: np.ndarray


@njit(cache=True, nogil=True)
def _past(buf: np.ndarray, p: int, end: int, piece: int) -> int:
    """Return the index behind the piece at `p`, -1 when something else stands there or p is -1."""
    start = _ENDS[piece]
    n = _ENDS[piece + 1] - start
    if p < 0 or p + n > end:
        return NO
    to, begin = np.uint64(p), np.uint64(start)  # unsigned for speed, as in `put_slice`
    for q in range(np.uint64(n)):
        if buf[to + q] != _PIECES[begin + q]:
            return NO
    return int(p + n)


@njit(cache=True, nogil=True)
def _put_length(out: np.ndarray, at: int, n: int) -> int:
    """Write the head of a text of n bytes, which is below 64 kB."""
    if n < _FIXTEXT_END:
        out[at] = _FIXTEXT | n
        return at + 1
    if n < _TEXT_8_END:
        out[at], out[at + 1] = _TEXT_8, n
        return at + 2
    out[at], out[at + 1], out[at + 2] = _TEXT_16, n >> 8, n & 0xFF
    return at + 3


@njit(cache=True, nogil=True)
def _put_text(out: np.ndarray, at: int, buf: np.ndarray, p: int, q: int) -> int:
    """Write buf[p:q] as a text; return the index behind it."""
    return put_slice(out, _put_length(out, at, q - p), buf, p, q - p)


@njit(cache=True, nogil=True)
def _put_float(out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int) -> tuple[int, int]:
    """Write the float at `p` as `repr` does; return (index behind in `out`, in `buf`), the latter -1 when doubtful."""
    e, q = float_end(buf, p, end)
    if q < 0:
        return at, NO
    first = p + (buf[p] == MINUS)
    if e == q:
        zeros = 0
        while first + 2 + zeros < q and buf[first + 2 + zeros] == ZERO:
            zeros += 1
        is_small = buf[first] == ZERO and zeros >= _SMALL_FROM
        return (at, NO) if is_small else (_put_text(out, at, buf, p, q), q)
    digits = e + 1 + (buf[e + 1] == MINUS)
    if digits == e + 1 and q - digits == 1:
        return at, NO
    pad = 1 if q - digits == 1 else 0
    at = put_slice(out, _put_length(out, at, e + 2 - p + pad + q - digits), buf, p, e + 1 - p)
    out[at] = MINUS if digits > e + 1 else _PLUS
    out[at + 1] = ZERO
    return put_slice(out, at + 1 + pad, buf, digits, q - digits), q


@njit(cache=True, nogil=True)
def _put_fixed(
    out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int, most: int, decimals: int
) -> tuple[int, int]:
    """Write the float at `p`, which has at most `most` decimals, with `decimals`; return as `_put_float`."""
    point, q = point_end(buf, p, end)
    if point < 0 or q - point - 1 > most:
        return at, NO
    pad = decimals - (q - point - 1)
    at = put_slice(out, _put_length(out, at, q - p + pad), buf, p, q - p)
    for _ in range(pad):
        out[at] = ZERO
        at += 1
    return at, q


@njit(cache=True, nogil=True)
def _put_hundredths(out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int) -> tuple[int, int]:
    """Write the float at `p`, which has at most three decimals and is below 100, with two; return as `_put_float`."""
    point, q = point_end(buf, p, end)
    if q - point != _THOUSANDTHS:
        return _put_fixed(out, at, buf, p, end, 2, 2)
    if point - p > 2:  # noqa: PLR2004 - digits of 99
        return at, NO
    n = number(buf, p, point - p) * 100 + number(buf, point + 1, 2)
    last = buf[q - 1] - ZERO
    n += last > _FIVE or (last == _FIVE and _ROUNDS_UP[n])
    width = 6 if n >= 10_000 else 5 if n >= 1_000 else 4  # noqa: PLR2004 - digits and the point
    at = _put_length(out, at, width) + width
    for back in range(1, width + 1):
        out[at - back] = POINT if back == 3 else ZERO + n % 10  # noqa: PLR2004
        n = n if back == 3 else n // 10  # noqa: PLR2004
    return at, q


@njit(cache=True, nogil=True)
def _past_moments(buf: np.ndarray, p: int, end: int) -> int:
    """Return the index behind the array of moments at `p`, or -1."""
    p = past_byte(buf, p, end, _OPEN)
    if past_byte(buf, p, end, _CLOSE) > 0:
        return p + 1
    while p > 0:
        p = past_byte(buf, p, end, _OPEN)
        for _ in range(2):
            p = past_byte(buf, whole_end(buf, p, end), end, _COMMA)
        p = past_byte(buf, p, end, QUOTE)
        q = string_end(buf, p, end) if p > 0 else NO
        if q < 0 or word(_KINDS, buf, p, q - p) == len(_KINDS):
            return NO
        p = past_byte(buf, q + 1, end, _COMMA)
        p = past_byte(buf, whole_end(buf, p, end), end, _COMMA)
        p = past_byte(buf, float_end(buf, p, end)[1], end, _CLOSE)
        if past_byte(buf, p, end, _CLOSE) > 0:
            return p + 1
        p = past_byte(buf, p, end, _COMMA)
    return NO


@njit(cache=True, nogil=True)
def _past_user(buf: np.ndarray, p: int, end: int, key: int, n: int) -> int:
    """Return the index behind the user at `p`, who must be the key and plain inside a JSON string, or -1."""
    if p < 0 or p + n > end:
        return NO
    for q in range(n):
        c = buf[key + q]
        if buf[p + q] != c or _IS_APART[c]:
            return NO
    return p + n


@njit(cache=True, nogil=True)
def _put_numbers(out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int, numbers: np.ndarray) -> tuple[int, int]:
    """Write score .. percentile, fill TRENDING and PLACE of `numbers`; return as `_put_float`."""
    at, p = _put_fixed(out, at, buf, p, end, 1, 1)
    at, p = _put_hundredths(out, at, buf, _past(buf, p, end, 2), end)
    raw = _past(buf, p, end, 3)
    at, p = _put_float(out, at, buf, raw, end)
    numbers[PLACE] = hundredths(buf, raw, p) if p > 0 else 0
    at, p = _put_fixed(out, at, buf, _past(buf, p, end, 4), end, 2, 2)
    momentum = _past(buf, p, end, 5)
    at, p = _put_float(out, at, buf, momentum, end)
    numbers[TRENDING] = p > 0 and hundredths(buf, momentum, p) >= LEAST_HUNDREDTHS
    at, p = _put_float(out, at, buf, _past(buf, p, end, 6), end)
    at, p = _put_fixed(out, at, buf, _past(buf, p, end, 7), end, 3, 3)
    return at, p


@njit(cache=True, nogil=True)
def _put_nested(out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int) -> tuple[int, int]:
    """Write parts, counts and moments as they stand; return as `_put_float`."""
    opened = 0
    for piece in range(_PARTS, _MOMENTS):
        q = _past(buf, p, end, piece)
        if piece in {_PARTS, _COUNTS}:
            opened = p
        p = float_end(buf, q, end)[1] if piece < _COUNTS else whole_end(buf, q, end)
        if p < 0 or p >= end:
            return at, NO
        if piece == _COUNTS - 1:
            at = _put_text(out, at, buf, opened + 9, p + 1)
        elif piece == _MOMENTS - 1:
            at = _put_text(out, at, buf, opened + 14, p + 1)
    q = _past(buf, p, end, _MOMENTS)
    p = _past_moments(buf, q, end)
    return (at, NO) if p < 0 else (_put_text(out, at, buf, q, p), p)


@njit(cache=True, nogil=True)
def _put_record(
    out: np.ndarray, at: int, buf: np.ndarray, p: int, end: int, key: int, key_len: int, numbers: np.ndarray
) -> int:
    """Write what the script takes of the value in buf[p:end] and fill its `numbers`; return the index behind, or -1."""
    p = _past(buf, _past_user(buf, _past(buf, p, end, 0), end, key, key_len), end, 1)
    at, p = _put_numbers(out, at, buf, p, end, numbers)
    q = _past(buf, p, end, 8)
    p = _past(buf, q, end, _TRUE)
    provisional = p > 0
    p = p if provisional else _past(buf, q, end, _TRUE + 1)
    out[at], out[at + 1] = _FIXTEXT | 1, ZERO + provisional
    at, p = _put_nested(out, at + 2, buf, p, end)
    as_of = _past(buf, p, end, _MOMENTS + 1)
    as_of_end = whole_end(buf, as_of, end)
    version = _past(buf, as_of_end, end, _MOMENTS + 2)
    version_end = whole_end(buf, version, end)
    model = past_byte(buf, _past(buf, version_end, end, _MOMENTS + 3), end, QUOTE)
    model_end = string_end(buf, model, end) if model > 0 else NO
    produced = _past(buf, past_byte(buf, model_end, end, QUOTE), end, _MOMENTS + 4)
    produced_end = whole_end(buf, produced, end)
    emitted = _past(buf, produced_end, end, _MOMENTS + 5)
    if _past(buf, whole_end(buf, emitted, end), end, _MOMENTS + 6) != end:
        return NO
    numbers[AS_OF] = number(buf, as_of, as_of_end - as_of)
    numbers[VERSION] = number(buf, version, version_end - version)
    numbers[PRODUCED_AT] = number(buf, produced, produced_end - produced)
    at = _put_text(out, at, buf, as_of, as_of_end)
    at = _put_text(out, at, buf, version, version_end)
    return _put_text(out, at, buf, model, model_end)


@njit(cache=True, nogil=True)
def _put_records(
    keys: Slices, values: Slices, plain: np.ndarray, numbers: np.ndarray, out: np.ndarray, bounds: np.ndarray
) -> None:
    bounds[0] = 0
    for i in range(len(keys.at)):
        p, end, at = values.at[i], values.at[i] + values.length[i], bounds[i]
        to = _put_record(out, at, values.buf, p, end, keys.at[i], keys.length[i], numbers[:, i])
        plain[i] = to > at
        bounds[i + 1] = max(at, to)


def scan(keys: list[bytes], values: list[bytes]) -> Scanned:
    """Return what the script takes of the values under their keys; a null value is to be given as empty."""
    count = len(keys)
    buf = np.frombuffer(b"".join([*keys, *values]) + b"}", np.uint8)
    length = np.fromiter(map(len, [*keys, *values]), np.int64, 2 * count)
    at = np.cumsum(length) - length
    plain, numbers = np.zeros(count, np.uint8), np.zeros((COLUMNS, count), np.int64)
    out, bounds = np.empty(len(buf) + _MORE * count, np.uint8), np.empty(count + 1, np.int64)
    every = Slices(buf, at, length)
    _put_records(every.part(0, count), every.part(count, 2 * count), plain, numbers, out, bounds)
    return Scanned(plain, numbers, out[: bounds[-1]].tobytes(), bounds)


def warm() -> None:
    """Return when the kernels are compiled, or found in the cache on disk: that may take seconds."""
    scan([b""], [b""])
