"""Seeded engagements with a known answer: heavy-tailed people, all kinds, every id once."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from schemas.kinds import KINDS

START_MS = 1_790_000_000_000
Event = dict[str, object]


def engagements(count: int, users: int, seed: int, span_s: int = 600, *, busy: bool = True) -> list[Event]:
    """Return `count` engagements in order of time, none of anybody with themselves.

    With `busy`, a few people act very much, beyond what counts in full; else everybody acts alike.
    """
    chance = random.Random(seed)
    found: list[Event] = []
    while len(found) < count:
        actor, target = (int(chance.paretovariate(0.7)) % users for _ in range(2))
        actor = actor if busy else chance.randrange(users)
        if actor != target:
            number = len(found)
            found.append(
                {
                    "id": f"e{seed}-{number}",
                    "kind": chance.choice(KINDS),
                    "actor": f"test:user{actor}",
                    "target": f"test:user{target}",
                    "occurred_at": START_MS + number * span_s * 1000 // count,
                    "object": f"test:post{chance.randrange(users)}",
                }
            )
    return found


def shuffled(events: Sequence[Event], within: int, seed: int) -> list[Event]:
    """Return the events with each at most `within` places from where it was."""
    chance = random.Random(seed)
    places = [(number + chance.random() * within, event) for number, event in enumerate(events)]
    return [event for _, event in sorted(places, key=lambda pair: pair[0])]


def counted(events: Iterable[Event]) -> dict[str, dict[str, Counter[str]]]:
    """Return received and given per user and kind, each id once."""
    answer: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: {"received": Counter(), "given": Counter()})
    for event in {str(event["id"]): event for event in events}.values():
        answer[str(event["target"])]["received"][str(event["kind"])] += 1
        answer[str(event["actor"])]["given"][str(event["kind"])] += 1
    return answer


def differences(live: dict[str, dict[str, object]], events: Iterable[Event]) -> list[str]:
    """Return the users whose counts differ from the events', by name."""
    answer = counted(events)
    assert answer
    wrong = sorted(set(live) ^ set(answer))
    for user in set(live) & set(answer):
        for side in ("received", "given"):
            have = Counter({k: v for k, v in live[user][side].items() if v})  # type: ignore[attr-defined]
            if have != answer[user][side]:
                wrong.append(user)
    return wrong


def write(path: Path, events: Iterable[Event]) -> Path:
    """Write the events as JSON lines and return the path."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path
