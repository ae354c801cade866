"""Seeded records to send: what ordinary producers write, and everything that they should not."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = ("like", "share", "mention", "reply")
USERS: Final = 2_000
SKEW: Final = 0.7
LATE_S: Final = 3_600
DAY_MS: Final = 86_400_000
HOT_TARGET_SHARE: Final = 0.8
HOT_ACTOR_SHARE: Final = 0.5
REPEATED_SHARE: Final = 0.1
BAD_FOR_GOOD: Final = 0.43
"""Three bad records for seven good ones."""
ODD_SHARE: Final = 0.05
UNDONE_SHARE: Final = 0.02
ANCIENT_SHARE: Final = 0.005


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the engagements topic; `act` names the act it must count as, None when it counts as nothing."""

    key: bytes | None
    value: bytes | None
    act: tuple[str, str] | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


Records = Iterator[Record]


def engagement(number: int, seed: int, kind: str, actor: str, target: str, at_ms: int) -> Record:
    """Return a well-formed engagement under its actor's key."""
    fields = {"id": f"s{seed}-{number}", "kind": kind, "actor": actor, "target": target, "occurred_at": at_ms}
    return Record(actor.encode(), json.dumps(fields).encode(), (actor, f"s{seed}-{number}"))


def undo(done: Record) -> Record:
    """Return the record that takes back what another did, now."""
    fields = json.loads(done.value or b"") | {"undo": True, "occurred_at": _now_ms()}
    return Record(done.key, json.dumps(fields).encode(), done.act)


def ordinary(seed: int) -> Records:
    """Yield heavy-tailed engagements as they happen, without end."""
    chance, number = random.Random(seed), 0
    while True:
        actor, target = _two(chance)
        yield engagement(number, seed, chance.choice(KINDS), actor, target, _now_ms())
        number += 1


def disordered(seed: int) -> Records:
    """Yield engagements of which a tenth comes again later and all lie within the last hour, in no order.

    Some are taken back later, and some of these twice or before they are sent again.
    """
    chance, seen = random.Random(seed), deque[Record](maxlen=5_000)
    for number, record in enumerate(ordinary(seed)):
        if seen and chance.random() < REPEATED_SHARE:
            yield chance.choice(seen)
        if seen and chance.random() < UNDONE_SHARE:
            yield undo(chance.choice(seen))
        if number % 2:
            actor, target = _two(chance)
            at_ms = _now_ms() - chance.randrange(LATE_S * 1000)
            record = engagement(number, seed + 1_000_000, chance.choice(KINDS), actor, target, at_ms)  # noqa: PLW2901
        seen.append(record)
        yield record


def hostile(seed: int) -> Records:
    """Yield records of which three in ten are bad in every known way, a tenth repeated and out of order."""
    chance = random.Random(seed)
    for number, record in enumerate(disordered(seed)):
        if chance.random() < BAD_FOR_GOOD:
            yield _bad(chance, seed, number)
        if chance.random() < ODD_SHARE:
            record = Record(b"wrong-key-%d" % number, record.value, record.act, (("x-odd", b"\xff\x00"),))  # noqa: PLW2901
        if chance.random() < ANCIENT_SHARE:
            yield engagement(number, seed + 2_000_000, "reply", *_two(chance), at_ms=DAY_MS)
        yield record


def hot(seed: int) -> Records:
    """Yield engagements of which one target takes four fifths and one actor sends a half."""
    chance, number = random.Random(seed), 0
    while True:
        actor, target = _two(chance)
        if chance.random() < HOT_TARGET_SHARE:
            target = "test:hot-target"
        if chance.random() < HOT_ACTOR_SHARE:
            actor = "test:hot-actor"
        yield engagement(number, seed, chance.choice(KINDS), actor, target, _now_ms())
        number += 1


def _bad(chance: random.Random, seed: int, number: int) -> Record:
    """Return a record that counts as nothing."""
    actor, target = _two(chance)
    good: dict[str, Any] = {"id": f"b{seed}-{number}", "kind": "like", "actor": actor, "target": target}
    good["occurred_at"] = _now_ms()
    text = json.dumps(good).encode()
    wrong = chance.choice(_WRONG)
    value = wrong(good, text) if callable(wrong) else json.dumps(good | wrong).encode()
    return Record(actor.encode(), value)


def _without(name: str) -> Any:
    return lambda good, _: json.dumps({each: value for each, value in good.items() if each != name}).encode()


_WRONG: Final[tuple[Any, ...]] = (
    lambda _, text: text[: len(text) // 2],
    lambda _, text: text.replace(b"test:", b"\xff\xfe:"),
    lambda *_: b"[" * 400 + b"]" * 400,
    lambda _, text: text[:-1] + b',"extra":' + b"[" * 400 + b"1" + b"]" * 400 + b',"kind":7}',
    lambda *_: b"",
    lambda *_: None,
    lambda *_: b"null",
    lambda *_: b"[]",
    lambda *_: b'"like"',
    lambda *_: b"\x00" * 64,
    lambda _, text: text + b"{}",
    lambda _, text: text[:-1] + b',"occurred_at":1e400}',
    lambda _, text: text[:-1] + b',"occurred_at":NaN}',
    _without("id"),
    _without("actor"),
    _without("target"),
    _without("kind"),
    _without("occurred_at"),
    {"id": ""},
    {"id": 7},
    {"id": "x" * 1_000_000},
    {"actor": "test:" + "a" * 10_000},
    {"actor": "no-network"},
    {"actor": "test:new\nline"},
    {"target": "test:nul\x00byte"},
    {"target": "Test:upper"},
    {"target": None},
    {"kind": "poke"},
    {"kind": ["like"]},
    {"occurred_at": -1},
    {"occurred_at": 2**63},
    {"occurred_at": "1970-01-01"},
    {"occurred_at": "2100-01-01T00:00:00Z"},
    {"occurred_at": 4_102_444_800_000},
    {"occurred_at": True},
)
"""Fields over a good engagement, or what makes bad bytes of it. Acts of 1970 are good ones: they are merely late."""


def _two(chance: random.Random) -> tuple[str, str]:
    """Return an actor and a target who are not the same."""
    actor = int(chance.paretovariate(SKEW)) % USERS
    target = int(chance.paretovariate(SKEW)) % USERS
    return f"test:user{actor}", f"test:user{target if target != actor else (target + 1) % USERS}"


def _now_ms() -> int:
    return int(time.time() * 1000)
