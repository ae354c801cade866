"""What `renown keys` does to the keys in a file: each change whole or not at all."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from agents.access.key import NAME, OPEN_NAME, Key, Purpose, new_key
from schemas.errors import RenownError, shown

Keys = dict[str, Key]
_NAME: Final = re.compile(NAME)


class KeyNameError(RenownError):
    """The name cannot be used so; says what to do."""


def add(keys: Keys, name: str, purpose: Purpose, *, now_s: float, rate: float | None = None) -> tuple[Key, str]:
    """Put a new key into `keys`; return it and its text. Raises KeyNameError for a bad name or one in use."""
    if not _NAME.match(name) or name == OPEN_NAME:
        detail = f"name {shown(name)}: send 1 to 40 of a-z 0-9 . _ -, begun by a letter or digit, not {OPEN_NAME}"
        raise KeyNameError(detail)
    if any(key.is_valid_at(now_s) for key in named(keys, name)):
        raise KeyNameError(f"{name} has a key; `renown keys rotate {name}` gives a new one")
    key, text = new_key(name, purpose, now_s=now_s, rate=rate)
    forget_expired(keys, now_s)
    keys[key.id] = key
    return key, text


def revoke(keys: Keys, name: str) -> list[Key]:
    """Take every key of `name` out of `keys`; return them. Raises KeyNameError when there is none."""
    found = _existing(keys, name)
    for key in found:
        del keys[key.id]
    return found


def rotate(keys: Keys, name: str, *, now_s: float, grace_s: float) -> tuple[Key, str]:
    """Put a new key beside those of `name`, which end after `grace_s` at the latest; return it and its text."""
    found = [key for key in _existing(keys, name) if key.is_valid_at(now_s)]
    if not found:
        raise KeyNameError(f"every key of {name} has ended; `renown keys add {name}` gives a new one")
    newest = max(found, key=lambda key: key.created_at)
    end = now_s + grace_s
    for key in found:
        keys[key.id] = msgspec.structs.replace(key, not_after=min(end, key.not_after or end))
    forget_expired(keys, now_s)
    key, text = new_key(name, newest.purpose, now_s=now_s, rate=newest.rate)
    keys[key.id] = key
    return key, text


def named(keys: Keys, name: str) -> list[Key]:
    """Return the keys that bear `name`."""
    return [key for key in keys.values() if key.name == name]


def forget_expired(keys: Keys, now_s: float) -> None:
    """Take out keys that open nothing any more."""
    for key in [key for key in keys.values() if not key.is_valid_at(now_s)]:
        del keys[key.id]


def _existing(keys: Keys, name: str) -> list[Key]:
    found = named(keys, name)
    if not found:
        raise KeyNameError(f"no key of {shown(name)}; `renown keys list` shows the names")
    return found
