"""The rule files of deploy/prometheus, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

PROJECT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = PROJECT / "deploy" / "prometheus"


def rules(name: str) -> list[dict[str, Any]]:
    """Return every rule of a file."""
    return [rule for group in yaml.safe_load((PROMETHEUS / name).read_text())["groups"] for rule in group["rules"]]


ALERTS: Final = rules("alerts.yml")
RECORDED: Final = {rule["record"]: rule["expr"] for rule in rules("rules.yml")}
