"""Records of the scores topic as users and scores; what is not a score is refused, counted and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord

from agents.scoring.entries import DAY_MS, Text
from agents.scoring.score_scan import scan
from schemas.errors import BadRecordError, shown
from schemas.identifiers import user_id
from schemas.reasons import Reason
from schemas.score import Pointer, Score, decode_pointer, decode_score

MAX_VERSION = 2**63 - 1


class Refused(NamedTuple):
    """A record that is no score, and why."""

    record: ConsumerRecord
    error: BadRecordError


class Read(NamedTuple):
    """What records say, in order: users with scores, pointers, None for tombstones; what scores were produced at."""

    scores: list[tuple[str, Score | Text | Pointer | None]]
    produced_at_ms: list[int]
    refused: list[Refused]


def read(records: Sequence[ConsumerRecord]) -> Read:
    """Return what `user_and_score` finds in each record, as text where that can be told without decoding it."""
    found = scan([record.key or b"" for record in records], [record.value or b"" for record in records])
    bounds, (versions, as_of, produced, trending, places) = found.bounds.tolist(), found.numbers.tolist()
    scores = list[tuple[str, Score | Text | Pointer | None]]()
    produced_at_ms, refused = list[int](), list[Refused]()
    for i, (record, plain) in enumerate(zip(records, found.plain.tolist(), strict=True)):
        try:
            if plain:
                values = found.texts[bounds[i] : bounds[i + 1]]
                text = Text(versions[i], as_of[i] // DAY_MS, trending[i] > 0, places[i], values)
                scores.append((_user(record.key), text))
                produced_at_ms.append(produced[i])
                continue
            user, score = user_and_score(record)
        except BadRecordError as error:
            refused.append(Refused(record, error))
            continue
        scores.append((user, score))
        if isinstance(score, Score):
            produced_at_ms.append(score.produced_at_ms)
    return Read(scores, produced_at_ms, refused)


def user_and_score(record: ConsumerRecord) -> tuple[str, Score | Pointer | None]:
    """Return the user and her score, the pointer to her person, or None for a tombstone; raise BadRecordError when the
    record is none of them.

    Only a whole, valid user id ever becomes part of a Redis key.
    """
    user = _user(record.key)
    if not record.value:
        return user, None
    if (pointer := decode_pointer(record.value)) is not None:
        if pointer.user != user:
            detail = f"user={shown(pointer.user)}: differs from the key {shown(user)}"
            raise BadRecordError(Reason.INVALID_FIELD, detail)
        user_id(pointer.linked_to, "linked_to")
        return user, pointer
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
