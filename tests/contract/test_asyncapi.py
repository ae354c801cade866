"""The AsyncAPI document is the code's, is one by AsyncAPI's own schema, and names the topics that there are."""

from __future__ import annotations

import gzip
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas.asyncapi import EXAMPLE, document
from schemas.codec import decode_engagement
from schemas.json_schema import ASYNCAPI, CONTRACTS, schema
from schemas.topics import Topics

FOLDER = Path(__file__).parents[2] / "schemas" / "json"
META = Path(__file__).parents[1] / "recorded" / "asyncapi" / "3.0.0.json.gz"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Give the document."""
    loaded: dict[str, Any] = json.loads(document("1.2.3"))
    return loaded


def test_the_committed_document_is_the_code_s() -> None:
    """Generators of clients read the committed file: run `make schemas` after a change."""
    assert (FOLDER / ASYNCAPI).read_text() == document(version("renown"))


def test_it_is_an_asyncapi_document(found: dict[str, Any]) -> None:
    """By the schema that the AsyncAPI project publishes; which refuses what is none."""
    validator = jsonschema.Draft7Validator(json.loads(gzip.decompress(META.read_bytes())))
    assert [error.message for error in validator.iter_errors(found)] == []
    broken = json.loads(json.dumps(found).replace('"action": "send"', '"action": "shout"'))
    assert not validator.is_valid(broken)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere(found: dict[str, Any]) -> None:
    """A schema of AsyncAPI does not follow references."""
    for reference in _references(found):
        place: Any = found
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_its_channels_are_the_public_topics(found: dict[str, Any]) -> None:
    """Everything but what the workers write for themselves, with the keys that partition it."""
    topics = Topics()
    public = [topics.engagements, topics.commands, topics.scores, topics.dead_letters, topics.calibration]
    assert {each["address"] for each in found["channels"].values()} == {each.name for each in public}
    keys = {
        name: each["bindings"]["kafka"]["key"]["description"] for name, each in found["components"]["messages"].items()
    }
    assert keys["engagement"] == topics.engagements.key
    assert keys["score"] == topics.scores.key


def test_it_says_what_the_json_schemas_say(found: dict[str, Any]) -> None:
    """One contract, published twice."""
    schemas = found["components"]["schemas"]
    for name in CONTRACTS:
        alone = json.loads(schema(name))
        defined = alone["$defs"]
        for kind, its in defined.items():
            assert schemas[kind] == json.loads(json.dumps(its).replace("#/$defs/", "#/components/schemas/"))


def test_its_example_is_taken() -> None:
    """What people copy must work."""
    assert decode_engagement(json.dumps(EXAMPLE).encode()).target == b"blog:bob"
