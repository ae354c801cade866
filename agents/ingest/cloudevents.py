"""CloudEvents 1.0 (https://cloudevents.io) around engagements: the event's data is the engagement, its type says so.

Structured mode, the whole event as JSON, and binary mode, attributes beside the bytes of the data, as the bindings
for HTTP and Kafka define them. The data's bytes go on untouched; the engagement's own `id` counts, not the event's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec

from schemas.engagement import MAX_RECORD_BYTES
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

TYPE: Final = "renown.engagement.v1"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
HTTP_PREFIX: Final = "ce-"
KAFKA_PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"
MODE_PREFIX: Final = "application/cloudevents"
MOST_BYTES: Final = 4 * MAX_RECORD_BYTES
"""A larger event is refused undecoded: the largest engagement in base64, and as much again around it, fit in."""
_NEEDED: Final = ("id", "source", "type")
_JSON: Final = re.compile(r"(?:application|text)/(?:[^;\s]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str | int | bool | None)


class CloudEvent(NamedTuple):
    """An event's attributes (its context) and the bytes of its data."""

    attributes: Mapping[str, str | int | bool]
    data: bytes

    @property
    def is_engagement(self) -> bool:
        """Whether the data is said to be an engagement of our contract."""
        return self.attributes["type"] == TYPE

    def engagement(self) -> bytes:
        """Return the engagement's bytes; BadRecordError when the event is of another type."""
        if not self.is_engagement:
            detail = f"type={shown(self.attributes['type'])}: send CloudEvents of type {TYPE}"
            raise BadRecordError(Reason.INVALID_FIELD, detail)
        return self.data


def structured(raw: bytes) -> CloudEvent:
    """Return an event in structured mode; BadRecordError when it is none."""
    if len(raw) > MOST_BYTES:
        raise BadRecordError(Reason.TOO_LARGE, f"{len(raw)} bytes; send events of at most {MOST_BYTES}")
    try:
        fields = _FIELDS.decode(raw)
        data, packed = fields.pop("data", None), fields.pop("data_base64", None)
        attributes = {name: value for name, each in fields.items() if (value := _TEXT.decode(each)) is not None}
        if packed is not None:
            return _checked(attributes, base64.b64decode(str(_TEXT.decode(packed)), validate=True))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
        detail = f"{shown(raw)}: {str(error)[:80]}; send one CloudEvent as JSON"
        raise BadRecordError(Reason.UNDECODABLE, detail) from error
    return _checked(attributes, bytes(data or b""))


def from_http(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Return an event in binary mode over HTTP, whose attributes are percent-encoded `ce-` headers."""
    return _binary({name.lower(): unquote(value) for name, value in headers.items()}, HTTP_PREFIX, body)


def from_kafka(headers: Mapping[str, bytes], value: bytes) -> CloudEvent:
    """Return an event in whichever mode the record's `content-type` header says."""
    try:
        texts = {name.lower(): each.decode() for name, each in headers.items()}
    except UnicodeDecodeError as error:
        raise BadRecordError(Reason.UNDECODABLE, f"headers {shown(headers)}: send UTF-8 text") from error
    if texts.get(CONTENT_TYPE, "").lower().startswith(MODE_PREFIX):
        return structured(value)
    return _binary(texts, KAFKA_PREFIX, value)


def _binary(headers: Mapping[str, str], prefix: str, data: bytes) -> CloudEvent:
    found = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
    if CONTENT_TYPE in headers:
        found["datacontenttype"] = headers[CONTENT_TYPE]
    return _checked(found, data)


def _checked(attributes: Mapping[str, str | int | bool], data: bytes) -> CloudEvent:
    """Return the event; BadRecordError when an attribute that 1.0 asks for is missing, or the data is not JSON."""
    version = attributes.get("specversion")
    if version != "1.0":
        raise BadRecordError(Reason.INVALID_FIELD, f"specversion={shown(version)}: send CloudEvents 1.0")
    for name in _NEEDED:
        if not (isinstance(attributes.get(name), str) and attributes[name]):
            raise BadRecordError(Reason.INVALID_FIELD, f"{name}={shown(attributes.get(name))}: send it as text")
    content = attributes.get("datacontenttype", "application/json")
    if not _JSON.fullmatch(str(content)):
        raise BadRecordError(Reason.INVALID_FIELD, f"datacontenttype={shown(content)}: send application/json")
    return CloudEvent(attributes, data)
