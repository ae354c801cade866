"""The API's documentation as OpenAPI 3.1, made from the table of operations and the types they read and answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agents.access.key import Purpose
from agents.web.answers import Problem
from agents.web.operations import EVENTS, OPERATIONS, Operation
from schemas.engagement import UserId

REFS: Final = "#/components/schemas/{name}"
VERSION: Final = "1"
_MEANINGS: Final = {
    400: "The request makes no sense; `detail` says what to send.",
    401: "No valid key.",
    403: "Never open without keys: this server has no file of keys.",
    404: "No score of this user, or no such leaderboard.",
    408: "The body did not arrive in time.",
    409: "The links there are speak against it; `detail` says how.",
    413: "The body is too large.",
    415: "The body's encoding is not read here.",
    429: "Over the key's rate; `Retry-After` says when to come back.",
    500: "A record in Redis is damaged, or a bug of ours.",
    503: "Redis or, for departures and links, Kafka is away; or Redis is filled by a newer release.",
}
_TAGGED: Final = {
    "ETag": {"schema": {"type": "string"}, "description": "send it back as If-None-Match"},
    "Cache-Control": {"schema": {"type": "string"}},
}


def document(*, with_keys: bool) -> dict[str, Any]:
    """Return the whole document; `with_keys` says whether this server asks for keys."""
    bodies = [each.body for each in OPERATIONS if each.body is not None]
    types = [each.answer for each in OPERATIONS] + bodies + [each.query for each in OPERATIONS] + [Problem, UserId]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFS)
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, by_type, components)
    unseen = {each.query.__name__ for each in OPERATIONS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Renown scores", "version": VERSION, "description": "Influence from 1 to 100, explained."},
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in unseen},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "made by `renown keys`"}},
        },
        "security": [{"key": []}] if with_keys else [{}, {"key": []}],
    }


def _operation(each: Operation, by_type: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.meaning,
        "parameters": [*_path_parameters(each, by_type), *_query_parameters(components[each.query.__name__])],
        "responses": {str(each.status.value): _answered(each, by_type), **_refusals(each.problems)},
    }
    if each.purpose is not Purpose.READ:
        found["security"] = [{"key": []}]
    if each.media != EVENTS and each.method == "GET":
        found["responses"]["304"] = {"description": "The caller has it already."}
    if each.body is not None:
        media = {"schema": by_type[id(each.body)], "example": each.example}
        found["requestBody"] = {"required": True, "content": {"application/json": media}}
    return found


def _path_parameters(each: Operation, by_type: dict[int, Any]) -> Iterable[dict[str, Any]]:
    if "{user}" in each.path:
        yield {
            "name": "user",
            "in": "path",
            "required": True,
            "schema": by_type[id(UserId)],
            "description": "percent-encoded, a slash as %2F",
        }


def _query_parameters(query: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in query["properties"].items():
        yield {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": _plain(schema)}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without null, which a query cannot say, and without the default that stood for it."""
    if "anyOf" not in schema:
        return schema
    kept = [each for each in schema["anyOf"] if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return {**kept[0], **rest} if len(kept) == 1 else {**rest, "anyOf": kept}


def _answered(each: Operation, by_type: dict[int, Any]) -> dict[str, Any]:
    content = {each.media: {"schema": by_type[id(each.answer)]}}
    found: dict[str, Any] = {"description": each.meaning, "content": content}
    is_tagged = each.media != EVENTS and each.purpose is Purpose.READ
    return {**found, "headers": _TAGGED} if is_tagged else found


def _refusals(statuses: Iterable[int]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": REFS.format(name=Problem.__name__)}}}
    return {str(each): {"description": _MEANINGS[each], "content": content} for each in sorted(statuses)}
