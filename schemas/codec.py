"""The only place where bytes become engagements and engagements become bytes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.engagement import (
    MAX_ID_BYTES,
    MAX_OBJECT_BYTES,
    MAX_RECORD_BYTES,
    Act,
    Engagement,
)
from schemas.errors import BadRecordError, shown
from schemas.identifiers import normal_text, user_id
from schemas.instants import epoch_ms
from schemas.kinds import KIND_CODE, KINDS
from schemas.reasons import Reason


class _Wire(msgspec.Struct, gc=False):
    id: str
    kind: str
    actor: str
    target: str
    occurred_at: int | str
    object: str | None = None
    undo: bool = False


_ONE = msgspec.json.Decoder(_Wire)
_ENCODER = msgspec.json.Encoder()


def _decoded(value: bytes | None) -> _Wire:
    if not value:
        raise BadRecordError(Reason.UNDECODABLE, "empty value; send the engagement as a JSON object")
    if len(value) > MAX_RECORD_BYTES:
        raise BadRecordError(Reason.TOO_LARGE, f"{len(value)} bytes; send at most {MAX_RECORD_BYTES}")
    try:
        return _ONE.decode(value)
    except msgspec.ValidationError as error:
        raise BadRecordError(Reason.INVALID_FIELD, f"{error}; see the engagement schema") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"{shown(value)}: {str(error)[:80]}; send one JSON object in UTF-8"
        raise BadRecordError(Reason.UNDECODABLE, detail) from error


def _act(wire: _Wire) -> Act:
    kind = KIND_CODE.get(wire.kind)
    if kind is None:
        raise BadRecordError(Reason.UNKNOWN_KIND, f"kind={shown(wire.kind)}: send one of {', '.join(KINDS)}")
    actor, target = user_id(wire.actor, "actor"), user_id(wire.target, "target")
    act = Act(
        id=normal_text(wire.id, "id", MAX_ID_BYTES),
        kind=kind,
        actor=actor,
        target=target,
        occurred_at_ms=epoch_ms(wire.occurred_at),
        object=normal_text(wire.object, "object", MAX_OBJECT_BYTES) if wire.object else b"",
        undo=wire.undo,
    )
    if actor == target:
        raise BadRecordError(Reason.SELF_ENGAGEMENT, f"actor and target are both {shown(wire.actor)}")
    return act


def decode_engagement(value: bytes | None) -> Act:
    """Return the act in `value`; raise BadRecordError with its reason when it breaks the contract.

    >>> decode_engagement(b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5}').kind
    0
    """
    return _act(_decoded(value))


def decode_engagements(values: Sequence[bytes | None]) -> list[Act | BadRecordError]:
    """Return one act or one refusal per value, in order; never raises for what a record holds."""
    return [_outcome(value) for value in values]


def _outcome(value: bytes | None) -> Act | BadRecordError:
    try:
        return _act(_decoded(value))
    except BadRecordError as error:
        return error


def encode_engagement(engagement: Engagement) -> bytes:
    """Return the engagement as the JSON that producers write, absent optional fields left out."""
    fields = msgspec.to_builtins(engagement).items()
    return _ENCODER.encode({name: value for name, value in fields if value not in (None, False)})
