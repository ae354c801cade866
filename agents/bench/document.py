"""A measurement as a document: what was measured where, every run, the medians, and an older one beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from agents.bench.errors import BenchError
from agents.bench.figures import Figure, Run, summary
from agents.bench.machine import machine
from agents.bench.rig import OWN
from streams.clock import wall_ms

FORMAT: Final = 1
UNTOLD: Final = "RENOWN_HASH_KEY"
"""Documents are shown around, and no figure depends on it."""
Document = dict[str, Any]


def document(
    bench: str,
    arguments: Mapping[str, Any],
    figures: Sequence[Figure],
    runs: Sequence[Run],
    also: Mapping[str, Any],
    load_before: float,
) -> Document:
    """Return the document of `runs`; `also` holds what is no figure."""
    kept_out = OWN | {UNTOLD}
    settings = {k: v for k, v in os.environ.items() if k.startswith("RENOWN_") and k not in kept_out}
    return {
        "format": FORMAT,
        "bench": bench,
        "measured_at_ms": wall_ms(),
        "machine": {**machine(), **also.get("versions", {}), "load_before": load_before},
        "settings": dict(sorted(settings.items())),
        "arguments": dict(arguments),
        "figures": summary(figures, runs),
        **{name: value for name, value in also.items() if name != "versions"},
        "runs": [dict(run) for run in runs],
    }


def save(found: Document, path: Path) -> None:
    """Write the document, indented, in one step."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    draft.replace(path)


def read(path: Path, bench: str) -> Document:
    """Return a saved document of the same measurement; BenchError when it is none."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BenchError(f"{path}: cannot be read as a saved measurement: {error}; make one with --save") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("bench") != bench:
        raise BenchError(f"{path}: not a measurement by this version of `renown bench {bench}`; make one with --save")
    return found


def compared(now: Document, before: Document) -> dict[str, Any]:
    """Return the ratio now / before of every median that both have, and which circumstances differ."""
    ratios = {
        name: spread["median"] / old["median"]
        for name, spread in now["figures"].items()
        if (old := before["figures"].get(name)) and old["median"]
    }
    differs = [
        f"{part}.{name}: {before[part].get(name)} then, {now[part].get(name)} now"
        for part in ("machine", "settings", "arguments")
        for name in sorted(now[part].keys() | before[part].keys())
        if name != "load_before" and now[part].get(name) != before[part].get(name)
    ]
    return {"measured_at_ms": before["measured_at_ms"], "ratios": ratios, "differs": differs}
