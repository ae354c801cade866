"""The scores topic as any reader sees it: the newest score of every user, plain JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from agents.faults.judge.verdict import Findings

Score = dict[str, Any]
HUNDRED: Final = 100.0
_RANGES: Final = {
    "score": (1.0, HUNDRED),
    "target_score": (1.0, HUNDRED),
    "relationships": (1.0, HUNDRED),
    "percentile": (0.0, HUNDRED),
    "raw": (0.0, math.inf),
    "momentum": (0.0, math.inf),
    "reach": (0.0, math.inf),
}


def newest_scores(messages: Iterable[Any], findings: Findings) -> dict[bytes, Score]:
    """Return each user's score of the greatest version since her last tombstone."""
    newest: dict[bytes, Score] = {}
    for message in messages:
        user, value = message.key() or b"", message.value()
        if not value:
            newest.pop(user, None)
            continue
        try:
            score = json.loads(value)
            fits = score["user"].encode() == user
            held = newest.get(user)
            is_newer = held is None or score["version"] > held["version"]
        except (ValueError, KeyError, TypeError, AttributeError):
            fits = is_newer = False
        if not fits:
            findings.add("unreadable", f"score {message.partition()}@{message.offset()} under key {user[:40]!r}")
        elif is_newer:
            newest[user] = score
    for user, score in newest.items():
        check_range(user, score, "scores topic", findings)
    return newest


def check_range(user: bytes, score: Score, where: str, findings: Findings) -> None:
    """Note every number of `score` that is missing, not finite, or outside of its range."""
    for field, (low, high) in _RANGES.items():
        try:
            value = float(score[field])
        except (KeyError, TypeError, ValueError):
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            findings.add("scores_out_of_range", f"{user.decode(errors='replace')} {where}: {field}={score.get(field)}")
