"""Score: what Renown says of a user. Topic `renown.scores.v1`, key = user, compacted; the same fields reach Redis."""

from __future__ import annotations

import msgspec

from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

CONTRACT_VERSION = 1


class Parts(msgspec.Struct, frozen=True, gc=False):
    """What the raw mass is made of; the five numbers add up to `raw`."""

    like: float
    share: float
    mention: float
    reply: float
    relationships: float


class Counts(msgspec.Struct, frozen=True, gc=False):
    """Exact counts of engagements, one per kind."""

    like: int = 0
    share: int = 0
    mention: int = 0
    reply: int = 0


class Moment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One of the events that weigh most now: where it lies in the engagements topic, and its mass now."""

    partition: int
    offset: int
    kind: str
    occurred_at_ms: int
    mass: float


class Score(msgspec.Struct, frozen=True, gc=False):
    """A user's score and what it is made of.

    `score` is the shown score (1.0..100.0, one decimal, moves at most +10 and -1.1 a day), `target_score` where
    it is heading, `raw` the influence mass (1.0 = one established person's fresh share), `relationships` 1..100
    on the same scale, `momentum` the mass of the last hours, `reach` the decayed number of different people,
    `percentile` 0..100, `as_of` the event time in epoch ms at which it was read; masses and what follows from them
    are weighed at the instant of the calibration in force. `version` grows with every score of this user: of two
    scores the greater version is the newer. `produced_at_ms` is the append time of the oldest engagement that this
    score is the first to include, 0 when only time has passed.
    """

    user: str
    score: float
    target_score: float
    raw: float
    relationships: float
    momentum: float
    reach: float
    percentile: float
    provisional: bool
    parts: Parts
    counts_7d: Counts
    moments: tuple[Moment, ...]
    as_of: int
    version: int
    model: str
    produced_at_ms: int = 0
    emitted_at_ms: int = 0


class Pointer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In place of an account's score: the account `user` is linked to a person, whose score is the account's, too."""

    user: str
    linked_to: str


_ENCODER = msgspec.json.Encoder()
_POINTERS = msgspec.json.Decoder(Pointer)
_DECODER = msgspec.json.Decoder(Score)


def encode_score(score: Score) -> bytes:
    """Return the score as JSON."""
    return _ENCODER.encode(score)


def encode_pointer(pointer: Pointer) -> bytes:
    """Return the pointer as JSON."""
    return _ENCODER.encode(pointer)


def decode_pointer(value: bytes) -> Pointer | None:
    """Return the pointer in `value`, None when it is none: a score then.

    >>> decode_pointer(encode_pointer(Pointer("x:a", "x:b")))
    Pointer(user='x:a', linked_to='x:b')
    """
    try:
        return _POINTERS.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def decode_score(value: bytes) -> Score:
    """Return the score in `value`; raise BadRecordError when it is not one."""
    try:
        return _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(Reason.UNDECODABLE, f"score {shown(value)}: {error}") from error
