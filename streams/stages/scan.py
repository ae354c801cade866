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
from streams.stages.lexemes import (
    CLOSE,
    COLON,
    COMMA,
    LOWER_A,
    LOWER_Z,
    MAX_DIGITS,
    MINUS,
    NINE,
    NO,
    OPEN,
    QUOTE,
    ZERO,
    F,
    N,
    after_blanks,
    instant,
    number,
    scalar_end,
    string_end,
    word,
    word_table,
)

SPANS: Final = 6
ID_AT, ID_LEN, ACTOR_AT, ACTOR_LEN, TARGET_AT, TARGET_LEN = range(SPANS)
_FIELDS: Final = ("id", "kind", "actor", "target", "occurred_at", "object", "undo")
_ID, _KIND, _ACTOR, _TARGET, _OCCURRED_AT, _OBJECT, _UNDO, _UNKNOWN = range(len(_FIELDS) + 1)
_REQUIRED: Final = 1 << _ID | 1 << _KIND | 1 << _ACTOR | 1 << _TARGET | 1 << _OCCURRED_AT
_MAX_NETWORK: Final = 32
_FIELD_WORDS: Final = word_table(_FIELDS)
_KIND_WORDS: Final = word_table(KINDS)
_RESERVED: Final = word_table((RESERVED_NETWORK,))


@njit(cache=True, nogil=True)
def _is_user(buf: np.ndarray, p: int, n: int) -> bool:
    """Whether the plain text is `network:native-id` of an open network, within the limit."""
    if n > MAX_USER_BYTES:
        return False
    q = 0
    while q < n and q <= _MAX_NETWORK and buf[p + q] != COLON:
        c = buf[p + q]
        if not (LOWER_A <= c <= LOWER_Z or ZERO <= c <= NINE or c == MINUS):
            return False
        q += 1
    if q < 1 or q > _MAX_NETWORK or q + 1 >= n:
        return False
    return word(_RESERVED, buf, p, q) == len(_RESERVED)


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
        return 0 if 0 < n <= MAX_ID_BYTES else NO
    if field == _ACTOR or field == _TARGET:  # noqa: SIM109, PLR1714 - numba builds the tuple every time
        row = ACTOR_AT if field == _ACTOR else TARGET_AT
        spans[row, i], spans[row + 1, i] = p, n
        return 0 if _is_user(buf, p, n) else NO
    if field == _KIND:
        kind = word(_KIND_WORDS, buf, p, n)
        return kind if kind < len(_KIND_WORDS) else NO
    if field == _OCCURRED_AT:
        return instant(buf, p, n)
    if field == _UNDO or (field == _OBJECT and n > MAX_OBJECT_BYTES):
        return NO
    return 0


@njit(cache=True, nogil=True)
def _of_scalar(field: int, buf: np.ndarray, p: int, n: int) -> int:
    """Return what the number or literal means as `field` (epoch ms, else 0), or -1."""
    if field == _OCCURRED_AT:
        return number(buf, p, n) if n <= MAX_DIGITS else NO
    if field == _UNDO:
        return 0 if buf[p] == F else NO
    if field == _OBJECT:
        return 0 if buf[p] == N else NO
    return 0 if field == _UNKNOWN else NO


@njit(cache=True, nogil=True)
def _key_end(buf: np.ndarray, p: int, end: int) -> int:
    """Return the end of the plain text in quotes at `p`, where its closing quote is, or -1."""
    return string_end(buf, p + 1, end) if p < end and buf[p] == QUOTE else NO


@njit(cache=True, nogil=True)
def _value_at(buf: np.ndarray, p: int, end: int) -> int:
    """Return where the value begins whose colon comes next from `p`, or -1."""
    p = after_blanks(buf, p, end)
    if p >= end or buf[p] != COLON:
        return NO
    p = after_blanks(buf, p + 1, end)
    return p if p < end else NO


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
    p = after_blanks(buf, start, end)
    if length > MAX_RECORD_BYTES or p >= end or buf[p] != OPEN:
        return NO, 0
    while True:
        p = after_blanks(buf, p + 1, end)
        q = _key_end(buf, p, end)
        if q < 0:
            return NO, 0
        field = word(_FIELD_WORDS, buf, p + 1, q - p - 1)
        if field < _UNKNOWN and found & (1 << field):
            return NO, 0
        found |= 1 << field
        p = _value_at(buf, q + 1, end)
        if p < 0:
            return NO, 0
        if buf[p] == QUOTE:
            q = string_end(buf, p + 1, end)
            value = _of_text(field, buf, p + 1, q - p - 1, spans, i) if q > 0 else NO
            q += 1
        else:
            q = scalar_end(buf, p, end)
            value = _of_scalar(field, buf, p, q - p) if q > 0 else NO
        if value < 0:
            return NO, 0
        if field == _KIND:
            kind = value
        elif field == _OCCURRED_AT:
            at_ms = value
        p = after_blanks(buf, q, end)
        if p >= end or (buf[p] != COMMA and buf[p] != CLOSE):
            return NO, 0
        if buf[p] == CLOSE:
            break
    if after_blanks(buf, p + 1, end) != end or not _is_admitted(buf, spans, i, found, at_ms, latest_ms):
        return NO, 0
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
