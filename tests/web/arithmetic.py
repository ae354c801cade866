"""What anybody can check of an explanation with pencil and paper, said once more without Renown's code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TARGET = re.compile(r"([\d.]+) = 1 \+ 99 \(1 - ([\d.e+-]+)\^([\d.]+)\)")
ROUNDING = 0.03


def complaints(found: Mapping[str, Any]) -> list[str]:
    """Return what does not add up in an explanation's document, nothing when all of it does."""
    parts, wrong = found["parts"].values(), []
    has_mass = any(part["mass"] for part in parts)
    if has_mass and round(sum(part["points"] for part in parts), 6) != found["score"]:
        wrong.append(f"points of {found['user']} do not make {found['score']}")
    if has_mass and round(sum(part["percent"] for part in parts), 6) != 100:
        wrong.append(f"shares of {found['user']} do not make 100")
    if abs(sum(part["mass"] for part in parts) - found["raw"]) > 1e-6 * max(1.0, found["raw"]):
        wrong.append(f"masses of {found['user']} do not make {found['raw']}")
    told = TARGET.fullmatch(found["formula"]["steps"][2]["filled"])
    if told is None:
        return [*wrong, f"constants of {found['formula']['model']} are not known"]
    target, above, gamma = map(float, told.groups())
    if abs(1 + 99 * (1 - above**gamma) - target) > ROUNDING or target != found["target_score"]:
        wrong.append(f"the formula of {found['user']} does not give {found['target_score']}")
    return wrong
