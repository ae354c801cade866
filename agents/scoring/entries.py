"""Score records as entries for the write script: one per user and poll, everything already as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from schemas.identifiers import network_of
from schemas.redis_keys import HISTORY_DAYS, RESERVED_NETWORK, RedisKeys
from schemas.score import Score

LEAST_MOMENTUM = 0.01
"""Below it nobody trends, and the leaderboard by momentum stays as small as the crowd that is active."""
DAY_MS = 86_400_000
_MSGPACK = msgspec.msgpack.Encoder()
_JSON = msgspec.json.Encoder()


@dataclass(slots=True)
class Entry:
    """The newest state of a user in a poll: `gone` when a tombstone stood before (or instead of) the score."""

    user: str
    gone: bool = False
    score: Score | None = None


def newest(records: Iterable[tuple[str, Score | None]]) -> list[Entry]:
    """Return one entry per user from records in topic order; None is a tombstone.

    >>> [entry.gone for entry in newest([("x:a", None), ("x:b", None), ("x:a", None)])]
    [True, True]
    """
    entries: dict[str, Entry] = {}
    for user, score in records:
        entry = entries.setdefault(user, Entry(user))
        if score is None:
            entry.gone, entry.score = True, None
        elif entry.score is None or score.version > entry.score.version:
            entry.score = score
    return list(entries.values())


def keys_of(user: str, keys: RedisKeys) -> list[str]:
    """Return the four keys that the script touches for a user."""
    return [keys.user(user), keys.history(user), keys.why(user), keys.top(_board(user))]


def packed(entry: Entry) -> bytes:
    """Return the entry as the script's msgpack array."""
    score = entry.score
    if score is None:
        return _MSGPACK.encode([entry.user, entry.gone, "", *[""] * 3, False, *[""] * 5, []])
    shown, raw, momentum = f"{score.score:.1f}", repr(score.raw), repr(score.momentum)
    return _MSGPACK.encode(
        [
            entry.user,
            entry.gone,
            str(score.version),
            shown,
            raw,
            momentum if score.momentum >= LEAST_MOMENTUM else "",
            network_of(entry.user) != RESERVED_NETWORK,
            *_days(score.as_of // DAY_MS),
            _json(score.moments),
            _fields(score, shown, raw, momentum),
        ]
    )


def _json(value: object) -> str:
    """Return the value as JSON text: Redis' msgpack knows text, but not the newer byte type."""
    return _JSON.encode(value).decode()


def _board(user: str) -> str | None:
    network = network_of(user)
    return None if network == RESERVED_NETWORK else network


@lru_cache(maxsize=512)
def _days(day: int) -> tuple[str, str, str, str]:
    """Return the day (counted from the epoch), yesterday, a week ago and the oldest day kept, as YYYY-MM-DD."""
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    before = (0, 1, 7, HISTORY_DAYS - 1)
    names = [(date - timedelta(days=days)).date().isoformat() if day >= days else "" for days in before]
    return names[0], names[1], names[2], names[3]


def _fields(score: Score, shown: str, raw: str, momentum: str) -> list[str]:
    """Return the hash's fields and values in turn, those apart that the script itself derives."""
    return [
        "score", shown,
        "target_score", f"{score.target_score:.2f}",
        "raw", raw,
        "relationships", f"{score.relationships:.2f}",
        "momentum", momentum,
        "reach", repr(score.reach),
        "percentile", f"{score.percentile:.3f}",
        "provisional", "1" if score.provisional else "0",
        "as_of", str(score.as_of),
        "model", score.model,
        "counts_7d", _json(score.counts_7d),
        "parts", _json(score.parts),
    ]  # fmt: skip
