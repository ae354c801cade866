"""The committed JSON Schemas are those of the code, and say about a document what the codec says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from schemas.json_schema import ASYNCAPI, CONTRACTS, schema

FOLDER = Path(__file__).parents[2] / "schemas" / "json"


@pytest.mark.parametrize("name", CONTRACTS)
def test_committed_schema_is_the_code_s(name: str) -> None:
    """Producers in other languages read the committed files: run `make schemas` after a change."""
    assert (FOLDER / f"{name}.json").read_text() == schema(name)


def test_no_schema_is_left_over() -> None:
    """A file that nothing generates would be believed for ever."""
    assert {path.name for path in FOLDER.iterdir()} == {ASYNCAPI, *(f"{name}.json" for name in CONTRACTS)}


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "zap"), ("actor", "nobody"), ("actor", "x:a\nb"), ("id", ""), ("occurred_at", None)]
)
def test_schema_refuses_what_the_codec_refuses(field: str, value: object) -> None:
    """A producer that validates against the schema meets no surprise."""
    good = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}
    validator = jsonschema.Draft202012Validator(json.loads(schema("engagement.v1")))
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, field: value})
