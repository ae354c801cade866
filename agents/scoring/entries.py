"""Score records as entries for the write script: one per user and poll, everything already as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from agents.scoring.score_scan import LEAST_HUNDREDTHS, VALUES
from schemas.identifiers import network_of
from schemas.redis_keys import HISTORY_DAYS, RESERVED_NETWORK, RedisKeys
from schemas.score import Pointer, Score

LEAST_MOMENTUM = LEAST_HUNDREDTHS / 100
DAY_MS = 86_400_000
_ARRAY_32 = b"\xdd"
_MSGPACK = msgspec.msgpack.Encoder()
_JSON = msgspec.json.Encoder()


class Text(msgspec.Struct, frozen=True, gc=False):
    """A score as the script takes it: `values` are MessagePack texts, one behind the other.

    `place` orders by raw, roughly: its whole hundredths.
    """

    version: int
    day: int
    trending: bool
    place: int
    values: bytes


class Entry(msgspec.Struct, gc=False):
    """The newest state of a user in a poll: `gone` when a tombstone stood before (or instead of) the score.

    `linked_to` is the person whose account the user is, empty for everybody else.
    """

    user: str
    gone: bool = False
    text: Text | None = None
    linked_to: str = ""


def newest(records: Iterable[tuple[str, Score | Text | Pointer | None]]) -> list[Entry]:
    """Return one entry per user from records in topic order; None is a tombstone.

    >>> [entry.gone for entry in newest([("x:a", None), ("x:b", None), ("x:a", None)])]
    [True, True]
    """
    entries: dict[str, Entry] = {}
    for user, score in records:
        entry = entries.get(user)
        if entry is None:
            entry = entries[user] = Entry(user)
        if score is None or isinstance(score, Pointer):
            entry.gone, entry.text = True, None
            entry.linked_to = "" if score is None else score.linked_to
        elif entry.text is None or score.version > entry.text.version:
            entry.text = text_of(score) if isinstance(score, Score) else score
    return list(entries.values())


def text_of(score: Score) -> Text:
    """Return the score as text; `score_scan` writes the same values for what it finds plain."""
    raw = repr(score.raw)
    values = (
        f"{score.score:.1f}",
        f"{score.target_score:.2f}",
        raw,
        f"{score.relationships:.2f}",
        repr(score.momentum),
        repr(score.reach),
        f"{score.percentile:.3f}",
        "1" if score.provisional else "0",
        _json(score.parts),
        _json(score.counts_7d),
        _json(score.moments),
        str(score.as_of),
        str(score.version),
        score.model,
    )
    packed = b"".join(map(_MSGPACK.encode, values))
    return Text(score.version, score.as_of // DAY_MS, score.momentum >= LEAST_MOMENTUM, _hundredths(raw), packed)


def call_of(entries: Sequence[Entry], keys: RedisKeys) -> tuple[list[str], bytes, bytes]:
    """Return what the script takes for the entries: keys behind the first three, heads and values in MessagePack."""
    networks: dict[str, int] = {RESERVED_NETWORK: 0}
    users = [entry.user for entry in entries]
    boards = [networks.setdefault(network_of(user), len(networks)) for user in users]
    texts = [entry.text for entry in entries]
    days = ["" if text is None else _days(text.day)[0] for text in texts]
    back = {names[0]: names[1:] for names in (_days(day) for day in {text.day for text in texts if text})}
    trending = [text is not None and text.trending for text in texts]
    links = {i: entry.linked_to for i, entry in enumerate(entries, 1) if entry.linked_to and entry.text is None}
    heads = _MSGPACK.encode((users, boards, [entry.gone for entry in entries], days, trending, back, links))
    values = [text.values for text in texts if text]
    owned = [of(user) for user in users for of in (keys.user, keys.history, keys.why)]
    return [*map(keys.top, list(networks)[1:]), *owned], heads, _array(values)


def side_by_side(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries by their place: neighbours on a leaderboard lie on one path through Redis' memory."""
    return sorted(entries, key=lambda entry: entry.text.place if entry.text else -1)


def _hundredths(raw: str) -> int:
    """Return the whole hundredths that the text shows, one more than its digits when it is 1e16 or more."""
    digits, _, exponent = raw.partition("e")
    if raw.startswith("-") or exponent.startswith("-"):
        return 0
    whole, _, fraction = digits.partition(".")
    return int(whole + fraction[:2]) + 1 if exponent else int(whole + (fraction + "0")[:2])


def _array(values: list[bytes]) -> bytes:
    count = VALUES * len(values)
    return b"".join((_ARRAY_32, count.to_bytes(4), *values))


def _json(value: object) -> str:
    """Return the value as JSON text: Redis' msgpack knows text, but not the newer byte type."""
    return _JSON.encode(value).decode()


@lru_cache(maxsize=512)
def _days(day: int) -> tuple[str, str, str, str]:
    """Return the day (counted from the epoch), yesterday, a week ago and the oldest day kept, as YYYY-MM-DD."""
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    before = (0, 1, 7, HISTORY_DAYS - 1)
    names = [(date - timedelta(days=days)).date().isoformat() if day >= days else "" for days in before]
    return names[0], names[1], names[2], names[3]
