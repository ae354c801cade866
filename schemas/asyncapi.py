"""The topics as an AsyncAPI 3 document (https://www.asyncapi.com), generated from the code like the JSON Schemas.

Operations are Renown's own: it receives what others send, and sends what others receive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from schemas.command import Command
from schemas.dead_letter import LetterHeaders
from schemas.engagement import Engagement
from schemas.published_map import PublishedMap
from schemas.report import Report
from schemas.score import Pointer, Score
from schemas.topics import Topic, Topics

VERSION: Final = "3.0.0"
REF: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"
KAFKA_BINDING: Final = "0.5.0"
EXAMPLE: Final = {
    "id": "blog:like:1",
    "kind": "like",
    "actor": "blog:ann",
    "target": "blog:bob",
    "occurred_at": "2026-11-24T12:00:00Z",
}
ADVICE: Final = (
    "Key = actor, placed by Kafka's default (murmur2) partitioner; acks=all, idempotent. A wrong key is re-routed and "
    "counted, a record that breaks the contract becomes a dead letter. The id is the same however often an act is sent."
)
SCORES: Final = "Compacted; a tombstone when a user leaves, a pointer when an account becomes one of a person's."


@dataclass(frozen=True, slots=True)
class _Channel:
    """A public topic: who acts on it from Renown's side, and which messages it carries."""

    name: str
    topic: Topic
    action: str
    messages: Mapping[str, type | None]
    description: str = ""


def _channels() -> list[_Channel]:
    topics = Topics()
    letter = {"deadLetter": None}
    return [
        _Channel("engagements", topics.engagements, "receive", {"engagement": Engagement}, ADVICE),
        _Channel("commands", topics.commands, "receive", {"command": Command}),
        _Channel("scores", topics.scores, "send", {"score": Score, "pointer": Pointer}, SCORES),
        _Channel("deadLetters", topics.dead_letters, "send", letter, "The value is the refused record, untouched."),
        _Channel("calibration", topics.calibration, "send", {"map": PublishedMap, "report": Report}),
    ]


def document(version: str) -> str:
    """Return the document of this release as JSON text, the same for the same code."""
    channels = _channels()
    types = [each for channel in channels for each in channel.messages.values() if each is not None]
    _, schemas = msgspec.json.schema_components([*types, LetterHeaders], ref_template=REF)
    found = {
        "asyncapi": VERSION,
        "info": {
            "title": "Renown",
            "version": version,
            "description": "Engagement in, an explained influence score from 1 to 100 out. Topics begin with "
            "RENOWN_PREFIX, here its default.",
        },
        "defaultContentType": JSON,
        "servers": {"kafka": _server()},
        "channels": {each.name: _channel(each) for each in channels},
        "operations": {f"{each.action}{each.name[0].upper()}{each.name[1:]}": _operation(each) for each in channels},
        "components": {
            "messages": {name: _message(name, kind, each) for each in channels for name, kind in each.messages.items()},
            "schemas": schemas,
        },
    }
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "The brokers of RENOWN_BOOTSTRAP.",
        "variables": {"bootstrap": {"default": "localhost:9092"}},
    }


def _channel(one: _Channel) -> dict[str, Any]:
    known: dict[str, Any] = {"bindingVersion": KAFKA_BINDING, "topic": one.topic.name}
    if one.topic.partitions:
        known |= {"partitions": one.topic.partitions}
    return {
        "address": one.topic.name,
        "description": " ".join(filter(None, (f"{one.topic.holds}.", one.description))),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in one.messages},
        "bindings": {"kafka": known},
    }


def _operation(one: _Channel) -> dict[str, Any]:
    where = f"#/channels/{one.name}"
    messages = [{"$ref": f"{where}/messages/{name}"} for name in one.messages]
    return {"action": one.action, "channel": {"$ref": where}, "messages": messages}


def _message(name: str, kind: type | None, channel: _Channel) -> dict[str, Any]:
    key = {"type": "string", "description": channel.topic.key}
    found: dict[str, Any] = {"name": name, "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING, "key": key}}}
    if kind is None:
        headers = {"$ref": REF.format(name=LetterHeaders.__name__)}
        return found | {"headers": headers, "contentType": "application/octet-stream"}
    found["payload"] = {"$ref": REF.format(name=kind.__name__)}
    if kind is Engagement:
        found["examples"] = [{"name": "a like", "payload": EXAMPLE}]
    return found
