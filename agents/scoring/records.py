"""Records of the scores topic as users and scores; what is not a score is refused, counted and left out."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from schemas.errors import BadRecordError, shown
from schemas.identifiers import user_id
from schemas.reasons import Reason
from schemas.score import Score, decode_score

MAX_VERSION = 2**63 - 1


def user_and_score(record: ConsumerRecord) -> tuple[str, Score | None]:
    """Return the user and her score, None for a tombstone; raise BadRecordError when the record is neither.

    Only a whole, valid user id ever becomes part of a Redis key.
    """
    user = _user(record.key)
    if not record.value:
        return user, None
    score = decode_score(record.value)
    if score.user != user:
        raise BadRecordError(Reason.INVALID_FIELD, f"user={shown(score.user)}: differs from the key {shown(user)}")
    if not 0 <= score.version <= MAX_VERSION:
        raise BadRecordError(Reason.INVALID_FIELD, f"version={score.version}: must be in 0..2^63-1")
    return user, score


def _user(key: bytes | None) -> str:
    try:
        text = (key or b"").decode()
    except UnicodeDecodeError as error:
        raise BadRecordError(Reason.INVALID_FIELD, f"key={shown(key)}: not UTF-8") from error
    if user_id(text, "key") != key:
        raise BadRecordError(Reason.INVALID_FIELD, f"key={shown(text)}: not in NFC")
    return text
