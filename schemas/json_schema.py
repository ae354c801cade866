"""JSON Schemas of the public contracts and the AsyncAPI document: `python -m schemas.json_schema schemas/json`."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from schemas.asyncapi import document
from schemas.command import Command
from schemas.dead_letter import LetterHeaders
from schemas.engagement import Engagement
from schemas.published_map import PublishedMap
from schemas.report import Report
from schemas.score import Pointer, Score

CONTRACTS: Final[dict[str, type]] = {
    "engagement.v1": Engagement,
    "score.v1": Score,
    "pointer.v1": Pointer,
    "dead-letter-headers.v1": LetterHeaders,
    "command.v1": Command,
    "calibration-map.v1": PublishedMap,
    "calibration-report.v1": Report,
}
ASYNCAPI: Final = "asyncapi.json"


def schema(name: str) -> str:
    """Return the JSON Schema (draft 2020-12) of a contract as text, the same for the same code."""
    definition = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
    definition.update(msgspec.json.schema(CONTRACTS[name]))
    return json.dumps(definition, indent=2, sort_keys=True) + "\n"


def main(folder: Path) -> None:
    """Write every schema, and the AsyncAPI document, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONTRACTS:
        (folder / f"{name}.json").write_text(schema(name))
    (folder / ASYNCAPI).write_text(document(version("renown")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
