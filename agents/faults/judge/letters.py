"""Dead letters against what the input owes: same bytes, reason and place, at least once each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from agents.faults.judge.ledger import Ledger, Place
from agents.faults.judge.verdict import Findings

POISON: Final = "poison"
HEADERS: Final = ("reason", "detail", "topic", "partition", "offset", "source", "at")


def check_letters(messages: Iterable[Any], topic: str, ledger: Ledger, findings: Findings) -> tuple[int, int]:
    """Return (letters, letters that name a place again); letters about other topics than `topic` are passed over."""
    owed, poisoned = ledger.letters, {place: value for copies in ledger.poisoned.values() for place, value in copies}
    seen: set[Place] = set()
    letters = repeated = 0
    for message in messages:
        letters += 1
        where = f"dead letter {message.offset()}"
        try:
            headers = {name: (raw or b"").decode() for name, raw in message.headers() or []}
            place = (int(headers["partition"]), int(headers["offset"]))
            about = tuple(headers[name] for name in HEADERS)
        except (KeyError, ValueError) as error:
            findings.add("letters_wrong", f"{where}: headers {error!r}")
            continue
        if headers["topic"] != topic:
            continue
        repeated += place in seen
        seen.add(place)
        expected = owed.get(place) or ((POISON, poisoned[place]) if place in poisoned else None)
        if expected != (about[0], message.value() or b""):
            reason = expected[0] if expected else None
            findings.add("letters_wrong", f"{where}: {topic} {place} says {about[0]}, owed {reason}, or other bytes")
    _missing(ledger, seen, findings)
    return letters, repeated


def _missing(ledger: Ledger, seen: set[Place], findings: Findings) -> None:
    for place, (reason, _) in ledger.letters.items():
        if place not in seen:
            findings.add("letters_missing", f"{place}: {reason}")
    for act_id, copies in ledger.poisoned.items():
        if not any(place in seen for place, _ in copies):
            findings.add("letters_missing", f"{act_id!r}: {POISON}")
