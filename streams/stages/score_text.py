"""Scores as JSON, many by one pass: byte for byte what `encode_score` writes, without an object per score.

Memory layout: `numbers` (u1) is the JSON array of all floats, FLOATS of each score in the order of its fields, so
that the pass copies one after the other and knows nothing of how a float is printed. `literals` (u1) is what
stands between the numbers: piece p is literals[ends[p] : ends[p + 1]]. A score's whole numbers are a row of `whole`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numba import njit

from schemas.kinds import KINDS
from schemas.rows import TOP_EVENTS
from schemas.score import Counts, Parts
from streams.engine.framing import Slices, put_slice
from streams.stages.json_text import DIGITS, ESCAPED, number_length, put_escaped, put_number, put_whole

SHOWN: Final = ("score", "target_score", "raw", "relationships", "momentum", "reach", "percentile")
PARTS: Final = Parts.__struct_fields__
FLOATS: Final = len(SHOWN) + len(PARTS) + TOP_EVENTS
COUNTS: Final = Counts.__struct_fields__
VERSION: Final = len(COUNTS)
PRODUCED_AT: Final = VERSION + 1
FIRST_MOMENT: Final = PRODUCED_AT + 1
MOMENT: Final = 4
"""A moment's whole numbers: partition, offset, code of the kind, epoch ms."""
WHOLE: Final = FIRST_MOMENT + MOMENT * TOP_EVENTS

_N_SHOWN, _N_PARTS, _N_COUNTS = len(SHOWN), len(PARTS), len(COUNTS)
_COMMA, _OPEN, _CLOSE = b",[]"
_ENCODER: Final = msgspec.json.Encoder()


class Same(NamedTuple):
    """What all scores of one emission have in common."""

    as_of: int
    model: str
    emitted_at_ms: int


class Fields(NamedTuple):
    """The fields of n scores.

    `floats` f8[n, FLOATS]: the SHOWN ones, the PARTS, the moments' masses; `whole` i8[n, WHOLE]: counts, version,
    produced_at_ms, MOMENT numbers of each moment; `held` i8[n]: how many moments there are; `provisional` u1[n].
    """

    floats: np.ndarray
    whole: np.ndarray
    held: np.ndarray
    provisional: np.ndarray


@njit(cache=True, nogil=True)
def _put_piece(out: np.ndarray, at: int, literals: np.ndarray, ends: np.ndarray, piece: int) -> int:
    return put_slice(out, at, literals, ends[piece], ends[piece + 1] - ends[piece])


@njit(cache=True, nogil=True)
def _put_moments(
    out: np.ndarray,
    at: int,
    whole: np.ndarray,
    held: int,
    numbers: np.ndarray,
    p: int,
    literals: np.ndarray,
    ends: np.ndarray,
    kinds: int,
) -> tuple[int, int]:
    """Write what stands between the brackets of `moments`; `kinds` is the piece of kind 0."""
    for m in range(TOP_EVENTS):
        n = number_length(numbers, p)
        if m < held:
            w = FIRST_MOMENT + MOMENT * m
            if m > 0:
                out[at] = _COMMA
                at += 1
            out[at] = _OPEN
            at = put_whole(out, at + 1, whole[w])
            out[at] = _COMMA
            at = put_whole(out, at + 1, whole[w + 1])
            at = _put_piece(out, at, literals, ends, kinds + whole[w + 2])
            at = put_whole(out, at, whole[w + 3])
            out[at] = _COMMA
            at = put_slice(out, at + 1, numbers, p, n)
            out[at] = _CLOSE
            at += 1
        p += n + 1
    return at, p


@njit(cache=True, nogil=True)
def _put_score(
    out: np.ndarray,
    at: int,
    whole: np.ndarray,
    held: int,
    provisional: int,
    numbers: np.ndarray,
    p: int,
    literals: np.ndarray,
    ends: np.ndarray,
) -> tuple[int, int]:
    """Write a score from behind its user on; return (index behind it, where the next one's numbers begin)."""
    piece = 1
    for _ in range(_N_SHOWN):
        at, p = put_number(out, _put_piece(out, at, literals, ends, piece), numbers, p)
        piece += 1
    at = _put_piece(out, at, literals, ends, piece + provisional)
    piece += 2
    for _ in range(_N_PARTS):
        at, p = put_number(out, _put_piece(out, at, literals, ends, piece), numbers, p)
        piece += 1
    for k in range(_N_COUNTS):
        at = put_whole(out, _put_piece(out, at, literals, ends, piece), whole[k])
        piece += 1
    at = _put_piece(out, at, literals, ends, piece)
    at, p = _put_moments(out, at, whole, held, numbers, p, literals, ends, piece + 4)
    at = put_whole(out, _put_piece(out, at, literals, ends, piece + 1), whole[VERSION])
    at = put_whole(out, _put_piece(out, at, literals, ends, piece + 2), whole[PRODUCED_AT])
    return _put_piece(out, at, literals, ends, piece + 3), p


@njit(cache=True, nogil=True)
def _put_scores(
    users: np.ndarray,
    user_at: np.ndarray,
    user_len: np.ndarray,
    whole: np.ndarray,
    held: np.ndarray,
    provisional: np.ndarray,
    numbers: np.ndarray,
    literals: np.ndarray,
    ends: np.ndarray,
    out: np.ndarray,
    bounds: np.ndarray,
) -> None:
    """Write score i to out[bounds[i] : bounds[i + 1]] and fill `bounds`."""
    at, p = 0, 1
    bounds[0] = 0
    for i in range(len(user_at)):
        at = _put_piece(out, at, literals, ends, 0)
        at = put_escaped(out, at, users, user_at[i], user_len[i])
        at, p = _put_score(out, at, whole[i], held[i], provisional[i], numbers, p, literals, ends)
        bounds[i + 1] = at


def _pieces(same: Same) -> list[str]:
    """Return the literals in the order in which `_put_score` counts them."""
    shown = [f',"{name}":' for name in SHOWN]
    parts = [f',"{name}":' for name in PARTS]
    counts = [f',"{name}":' for name in COUNTS]
    shown[0] = '"' + shown[0]
    parts[0] = f',"parts":{{{parts[0][1:]}'
    counts[0] = f'}},"counts_7d":{{{counts[0][1:]}'
    model = _ENCODER.encode(same.model).decode()
    return [
        '{"user":"', *shown, ',"provisional":false', ',"provisional":true', *parts, *counts,
        '},"moments":[', f'],"as_of":{same.as_of},"version":', f',"model":{model},"produced_at_ms":',
        f',"emitted_at_ms":{same.emitted_at_ms}}}', *(f',"{kind}",' for kind in KINDS),
    ]  # fmt: skip


def score_texts(users: Slices, fields: Fields, same: Same) -> Slices:
    """Return the scores of `users` as JSON; UnicodeDecodeError when a user is not UTF-8."""
    count = len(users.at)
    numbers = np.frombuffer(_ENCODER.encode(fields.floats.ravel().tolist()), np.uint8)
    pieces = [piece.encode() for piece in _pieces(same)]
    literals, ends = np.frombuffer(b"".join(pieces), np.uint8), np.cumsum([0, *map(len, pieces)])
    each = (TOP_EVENTS + 1) * len(literals) + DIGITS * WHOLE
    out = np.empty(count * each + ESCAPED * int(users.length.sum()) + len(numbers), np.uint8)
    bounds = np.empty(count + 1, np.int64)
    _put_scores(*users, fields.whole, fields.held, fields.provisional, numbers, literals, ends, out, bounds)
    texts = out[: bounds[-1]]
    str(texts.data, "utf-8")
    return Slices(texts, bounds[:-1], np.diff(bounds))
