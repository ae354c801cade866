"""Request bodies whose engagements are wrapped: CloudEvents in three modes, ActivityStreams; else as they stand."""

from __future__ import annotations

from collections.abc import Mapping

from agents.ingest import activitystreams, bodies, cloudevents
from agents.ingest.formats.activitystreams import document_outcomes
from agents.ingest.outcomes import Ready
from schemas.errors import BadRecordError


def engagements(
    body: bytes, content_type: str, headers: Mapping[str, str], most: int, received_ms: int
) -> list[bytes | BadRecordError]:
    """Return each engagement's bytes, or why there is none; BadBodyError and TooManyItemsError as `bodies.items`.

    `received_ms` dates activities that do not say when they were.
    """
    if content_type in activitystreams.TYPES:
        return _activities(body, most, received_ms)
    if content_type == cloudevents.BATCH:
        return [_structured(each) for each in bodies.listed(body, most)]
    if content_type == cloudevents.STRUCTURED:
        return [_structured(body)]
    if f"{cloudevents.HTTP_PREFIX}specversion" in headers:
        return [_binary(headers, body)]
    return list(bodies.items(body, content_type, most))


def _structured(raw: bytes) -> bytes | BadRecordError:
    try:
        return cloudevents.structured(raw).engagement()
    except BadRecordError as error:
        return error


def _binary(headers: Mapping[str, str], body: bytes) -> bytes | BadRecordError:
    try:
        return cloudevents.from_http(headers, body).engagement()
    except BadRecordError as error:
        return error


def _activities(body: bytes, most: int, received_ms: int) -> list[bytes | BadRecordError]:
    found: list[bytes | BadRecordError] = []
    for each in document_outcomes(body, received_ms=received_ms):
        if len(found) == most:
            raise bodies.TooManyItemsError(f"more than {most} items; send at most {most}")
        found.append(each.value if isinstance(each, Ready) else each.error)
    return found
