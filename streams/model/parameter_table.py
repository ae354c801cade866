"""The parameters as the README shows them: `python -m streams.model.parameter_table`."""

from __future__ import annotations

import sys
from dataclasses import fields

from streams.model.parameters import DAY_S, PROFILES, Parameters


def _spelt(value: float, unit: str) -> str:
    if unit == "s" and value >= DAY_S:
        return f"{value / DAY_S:g} d"
    return f"{value:g}" if unit == "1" else f"{value:g} {unit}"


def markdown() -> str:
    """Return one row per parameter: name, default, reason."""
    lines = ["| parameter | default | reason |", "|---|---|---|"]
    default: Parameters = PROFILES["default"]
    for f in fields(default):
        value = _spelt(getattr(default, f.name), f.metadata["unit"])
        lines.append(f"| `{f.name}` | {value} | {f.metadata['reason']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
