"""A payload by its mapping: which engagements it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from agents.ingest.mapping.form import Mapping
from agents.ingest.outcomes import Outcome, Refused, outcome_of
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

MOST_FIELDS: Final = 1_000
MOST_ENGAGEMENTS: Final = 1_000


class Head(msgspec.Struct, omit_defaults=True):
    """What leads a frame."""

    mapping: str
    headers: dict[str, str] = {}
    values: dict[str, str] = {}
    received_at: int | None = None


HEAD: Final = msgspec.json.Decoder(Head)


def outcomes_of(mapping: Mapping, head: Head, body: bytes, original: bytes) -> Iterator[Outcome]:
    """Yield the engagements of one payload by a mapping; a refusal holds `original`."""
    try:
        scope = {
            "payload": _payload(mapping.form.receive.body, body),
            "headers": head.headers,
            "values": mapping.form.values | head.values,
            "received_at": head.received_at,
        }
        for number, each in enumerate(_engagements(mapping, scope)):
            if number == MOST_ENGAGEMENTS:
                flood = BadRecordError(Reason.TOO_LARGE, f"more than {MOST_ENGAGEMENTS} engagements in one payload")
                yield Refused(flood, 0, original)
                return
            yield Refused(each, 0, original) if isinstance(each, BadRecordError) else outcome_of(each, 0, original)
    except BadRecordError as error:
        yield Refused(error, 0, original)


def _engagements(mapping: Mapping, scope: dict[str, Any]) -> Iterator[dict[str, Any] | BadRecordError]:
    spoken: set[tuple[str, str]] = set()
    for rule in mapping.rules:
        for found in rule.scopes(scope):
            try:
                engagement = rule.engagement(found)
                voice = (rule.once.text(found), engagement["target"]) if rule.once else None
            except BadRecordError as error:
                yield error
                continue
            if voice is None or voice not in spoken:
                yield engagement
            if voice is not None:
                spoken.add(voice)


def _payload(kind: str, body: bytes) -> Any:
    try:
        if kind == "form":
            return dict(reversed(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)))
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        detail = f"{shown(body)}: {str(error)[:80]}; not the {kind} that the mapping asks for"
        raise BadRecordError(Reason.UNDECODABLE, detail) from error
