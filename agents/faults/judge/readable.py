"""Redis against the scores topic, the scores against rows and input: what a reader gets is what was earned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from agents.faults.judge.contract import KINDS
from agents.faults.judge.ledger import DAY_MS, Ledger
from agents.faults.judge.scores import Score, check_range
from agents.faults.judge.served import Served
from agents.faults.judge.table import DAYS, Table, seven_days
from agents.faults.judge.verdict import Findings

LEAST_MOMENTUM: Final = 0.01
MOMENTUM_BOARD: Final = "momentum"
Text = Callable[[Any], str]
_FIELDS: Final[dict[str, Text]] = {
    "version": str,
    "score": lambda v: f"{v:.1f}",
    "target_score": lambda v: f"{v:.2f}",
    "raw": lambda v: repr(float(v)),
    "relationships": lambda v: f"{v:.2f}",
    "momentum": lambda v: repr(float(v)),
    "reach": lambda v: repr(float(v)),
    "percentile": lambda v: f"{v:.3f}",
    "provisional": lambda v: "1" if v else "0",
    "as_of": str,
    "model": str,
}
"""How the hash spells each field of a score."""
_SAME_JSON: Final = ("counts_7d", "parts")


def check_readable(newest: dict[bytes, Score], found: Served, findings: Findings) -> None:
    """Compare the hashes, why keys and leaderboards of Redis with the newest scores of the topic."""
    for user, score in newest.items():
        fields = found.hashes.get(user)
        if fields is None:
            findings.add("missing_scores", f"{_name(user)}: version {score['version']} is not in Redis")
            continue
        check_range(user, dict(fields), "Redis", findings)
        different = _different(fields, score)
        if different:
            findings.add("stale_scores", f"{_name(user)}: {different}")
        if user not in found.whys:
            findings.add("why_missing", _name(user))
    for user in found.hashes.keys() - newest.keys():
        findings.add("stray_scores", f"{_name(user)}: in Redis, not in the topic")
    for user in found.whys - found.hashes.keys():
        findings.add("stray_scores", f"{_name(user)}: why without a score")
    _check_boards(found, findings)


def _different(fields: dict[str, str], score: Score) -> str:
    parts = [
        f"{name} {fields.get(name)} for {text(score[name])}"
        for name, text in _FIELDS.items()
        if fields.get(name) != text(score[name])
    ]
    parts += [f"{name} differs" for name in _SAME_JSON if _json(fields.get(name)) != score[name]]
    return ", ".join(parts)


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def _check_boards(found: Served, findings: Findings) -> None:
    """Every board must hold exactly the users that the hashes put on it, ranked by the hashes' values."""
    expected: dict[str, dict[bytes, float]] = {"": {}}
    for user, fields in found.hashes.items():
        raw, momentum = _number(fields, "raw"), _number(fields, "momentum")
        network = user.partition(b":")[0].decode(errors="replace")
        expected[""][user] = raw
        if network != MOMENTUM_BOARD:
            expected.setdefault(network, {})[user] = raw
        if momentum >= LEAST_MOMENTUM:
            expected.setdefault(MOMENTUM_BOARD, {})[user] = momentum
    for board in expected.keys() | found.boards.keys():
        have, owed = found.boards.get(board, {}), expected.get(board, {})
        for user in have.keys() | owed.keys():
            if have.get(user) != owed.get(user):
                where = f"top:{board}" if board else "top"
                findings.add("boards_wrong", f"{where} {_name(user)}: {have.get(user)} for {owed.get(user)}")


def _number(fields: dict[str, str], name: str) -> float:
    try:
        return float(fields[name])
    except (KeyError, ValueError):
        return 0.0


def check_earned(newest: dict[bytes, Score], table: Table, ledger: Ledger, findings: Findings) -> None:
    """Compare the newest scores with the rows, and both with the input.

    Whoever received something is scored, nobody else; the counts of seven days are those of the input on the UTC
    day of `as_of` and the six before; the row holds the same counts and the same score as was sent.
    """
    got = table.rows["received"].sum(axis=1) > 0
    for user in {u for u, is_owed in zip(table.users, got.tolist(), strict=True) if is_owed} - newest.keys():
        findings.add("missing_scores", f"{_name(user)}: received engagements, has no score in the topic")
    for user in newest.keys() - ledger.received.keys():
        findings.add("stray_scores", f"{_name(user)}: scored, received nothing in the input")
    for user, score in newest.items():
        today = score["as_of"] // DAY_MS
        owed = [0] * len(KINDS)
        for day, kind in ledger.days.get(user, ()):
            owed[kind] += today - DAYS < day <= today
        if owed != [score["counts_7d"][kind] for kind in KINDS]:
            findings.add("counts_wrong", f"{_name(user)}: {score['counts_7d']} for {owed} in the input")
    _check_rows(newest, table, findings)


def _check_rows(newest: dict[bytes, Score], table: Table, findings: Findings) -> None:
    places = [number for number, user in enumerate(table.users) if user in newest]
    scores = [newest[table.users[number]] for number in places]
    rows = table.rows[places]
    today = np.fromiter((score["as_of"] // DAY_MS for score in scores), np.int64, len(scores))
    counts, sent = seven_days(rows, today).tolist(), np.maximum(rows["sent_score"], 1.0).tolist()
    for number, score, count, held in zip(places, scores, counts, sent, strict=True):
        if count != [score["counts_7d"][kind] for kind in KINDS] or abs(held - score["score"]) > 0.01:  # noqa: PLR2004
            detail = f"row {count} sent {held}, topic {score['counts_7d']} score {score['score']}"
            findings.add("rows_unlike_scores", f"{_name(table.users[number])}: {detail}")


def _name(user: bytes) -> str:
    return user.decode(errors="replace")
