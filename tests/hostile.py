"""Ids as somebody hostile would choose them, and what the contract says of an id, said once more."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from schemas.errors import BadRecordError
from schemas.identifiers import user_id

PIECES = [
    "\x00",
    "\n",
    "\r\n",
    "\t",
    " ",
    "{tag}",
    "{",
    "}",
    ":",
    "*",
    "?",
    "[a-z]",
    "renown:top",
    "renown:u:x:a",
    "renown:meta",
    "momentum",
    '"',
    "'",
    "\\",
    "'); redis.call('FLUSHALL') --",
    "]]",
    "return redis.call('KEYS', '*')",
    "KEYS[1]",
    "nil",
    "%s%n%d",
    "%",
    "%25",
    "\u202e",
    "\u2028",
    "\u200d",
    "\ufeff",
    "😀",
    "\U0010ffff",
    "\ud800",
    "\udfff",
    "é",
    "e\u0301",
    "\u0316\u0301",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x7f",
    "\x9b31m",
    "[bold]",
    "[/]",
    "$(id)",
    "é" * 127,
    "a" * 512,
    "a",
]
NETWORKS = [
    "x",
    "u",
    "h",
    "why",
    "top",
    "meta",
    "momentum",
    "momentum-",
    "renown",
    "0",
    "-",
    "a" * 32,
    "a" * 33,
    "",
    "X",
    "é",
]
natives = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=4).map("".join)
ids = st.tuples(st.sampled_from(NETWORKS), natives).map(":".join) | natives
crowds = st.lists(ids, min_size=1, max_size=12, unique=True)


def is_allowed(text: str) -> bool:
    """Return what the contract says of an id, said once more and in other words."""
    network, colon, native = text.partition(":")
    normal = unicodedata.normalize("NFC", native)
    forbidden = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xD800, 0xE000)]}
    return (
        bool(colon and native)
        and 1 <= len(network) <= 32
        and set(network) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        and network != "momentum"
        and not set(native) & forbidden
        and len(f"{network}:{normal}".encode()) <= 256
    )


def accepted(texts: list[str]) -> list[str]:
    """Return the ids as Renown keeps them; those that the contract refuses never get further."""
    kept = set()
    for text in texts:
        try:
            kept.add(user_id(text).decode())
        except BadRecordError:
            assert not is_allowed(text)
        else:
            assert is_allowed(text)
    return sorted(kept)
