"""A user's score as Redis holds it, read back into types."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.errors import BrokenGuaranteeError, shown
from schemas.score import Counts, Moment, Parts


class StoredScore(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `<prefix>:u:{user}`; a change is None where no score of so long ago is known.

    Of an account `linked_to` a person they are the person's.
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
    change_1d: float | None
    change_7d: float | None
    counts_7d: Counts
    parts: Parts
    as_of: int
    version: int
    model: str
    linked_to: str | None = None


REBUILD = "run `renown scoring --rebuild`"
_MOMENTS = msgspec.json.Decoder(tuple[Moment, ...])
_NUMBERS = ("score", "target_score", "raw", "relationships", "momentum", "reach", "percentile")


def person_in(fields: Mapping[bytes, bytes]) -> str | None:
    """Return whose account the hash is of, None when it holds a score or nothing."""
    found = fields.get(b"linked_to")
    return None if found is None else found.decode()


def stored_score(user: str, fields: Mapping[bytes, bytes], linked_to: str | None = None) -> StoredScore:
    """Return the score in the hash's `fields`; raise BrokenGuaranteeError when it is not one of ours."""
    try:
        text = {name.decode(): value.decode() for name, value in fields.items()}
        return StoredScore(
            user=user,
            linked_to=linked_to,
            **{name: float(text[name]) for name in _NUMBERS},
            provisional=text["provisional"] == "1",
            change_1d=_optional(text["change_1d"]),
            change_7d=_optional(text["change_7d"]),
            counts_7d=msgspec.json.decode(text["counts_7d"], type=Counts),
            parts=msgspec.json.decode(text["parts"], type=Parts),
            as_of=int(text["as_of"]),
            version=int(text["version"]),
            model=text["model"],
        )
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        detail = f"the record of {shown(user)} in Redis is damaged ({error!r:.80}); {REBUILD}"
        raise BrokenGuaranteeError(detail) from error


def stored_moments(value: bytes | None) -> tuple[Moment, ...]:
    """Return the moments in the JSON text, none without one; raise BrokenGuaranteeError when it is not one of ours."""
    try:
        return _MOMENTS.decode(value) if value else ()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenGuaranteeError(f"moments in Redis are damaged ({error!r:.80}); {REBUILD}") from error


def stored_day(day: bytes, score: bytes) -> tuple[str, float]:
    """Return a day of the history; raise BrokenGuaranteeError when it is not one of ours."""
    try:
        return day.decode(), float(score)
    except ValueError as error:
        raise BrokenGuaranteeError(f"a history in Redis is damaged ({error!r:.80}); {REBUILD}") from error


def _optional(text: str) -> float | None:
    return float(text) if text else None
