"""What a reader makes of one event: an engagement ready to be sent, or a refusal with the original bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.codec import decode_engagement
from schemas.engagement import Act
from schemas.errors import BadRecordError
from schemas.reasons import Reason

FIELDS = ("id", "kind", "actor", "target", "occurred_at", "object", "undo")
_ENCODER = msgspec.json.Encoder()


class Ready(NamedTuple):
    """An engagement that meets the contract; `value` is what goes to Kafka, keyed by `act.actor`."""

    act: Act
    value: bytes


class Refused(NamedTuple):
    """A record that breaks the contract: why, where it stood (from 1) and its original bytes."""

    error: BadRecordError
    line: int
    value: bytes


Outcome = Ready | Refused
Outcomes = Iterator[list[Outcome]]


def outcome_of(engagement: Mapping[str, Any], line: int, original: bytes | None = None) -> Outcome:
    """Return what becomes of a mapping with the contract's fields; absent fields may be None.

    It passes through bytes, so that the codec alone decides. A refusal holds `original`, or without one the
    mapping as JSON, which a later retry can decode.
    """
    try:
        value = _ENCODER.encode({name: engagement[name] for name in FIELDS if engagement.get(name) is not None})
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError) as error:
        refusal = BadRecordError(Reason.UNDECODABLE, f"not writable as JSON: {error}; send UTF-8 text and numbers")
        return Refused(refusal, line, original if original is not None else repr(dict(engagement)).encode())
    try:
        return Ready(decode_engagement(value), value)
    except BadRecordError as error:
        return Refused(error, line, value if original is None else original)
