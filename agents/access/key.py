"""API keys: `rk_<id>_<secret>`, shown once; what is kept cannot be turned back into a key.

A secret is 256 random bits, so its plain SHA-256 is enough: nobody can guess what to hash. Slow hashes protect
passwords, which people choose; here they would only cost every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import Annotated, Final

import msgspec

ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,39}\Z"
"""Names become metric labels and the `source` of engagements: short and plain, so that neither can be forged."""
OPEN_NAME: Final = "open"
"""Who sends where no key is asked for; no key may bear it."""
_TEXT: Final = re.compile(r"rk_([0-9a-f]{12})_[0-9a-f]{64}")
_NOBODY: Final = "0" * 64
"""Compared with when there is no such key, so that both cases do the same work."""


class Purpose(StrEnum):
    """What a key opens, and nothing else."""

    INGEST = "ingest"
    READ = "read"
    METRICS = "metrics"
    STEWARD = "steward"


class Cause(StrEnum):
    """Why a request's key was refused: counted, never told to the sender."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    WRONG = "wrong"
    EXPIRED = "expired"
    PURPOSE = "purpose"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it is kept: instants in epoch seconds, `not_after` None = for ever, `rate` in items a second.

    `rate` None means the deployment's. During a rotation two keys bear one name.
    """

    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}\Z")]
    digest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    purpose: Purpose
    created_at: float
    not_after: float | None = None
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def is_valid_at(self, now_s: float) -> bool:
        """Return whether the key has not run out."""
        return self.not_after is None or now_s < self.not_after


def new_key(name: str, purpose: Purpose, *, now_s: float, rate: float | None = None) -> tuple[Key, str]:
    """Return a new key as it is kept, and its text, which exists nowhere else."""
    own_id = secrets.token_hex(ID_BYTES)
    text = f"rk_{own_id}_{secrets.token_hex(SECRET_BYTES)}"
    return Key(name, own_id, digest_of(text), purpose, now_s, rate=rate), text


def digest_of(text: str) -> str:
    """Return what is kept of a key's text: id and secret together, so that a digest fits its own id only."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def id_in(text: str) -> str | None:
    """Return the id in a key's text, None when the text is no key.

    >>> id_in("rk_0123456789ab_" + "f" * 64)
    '0123456789ab'
    """
    found = _TEXT.fullmatch(text)
    return found.group(1) if found else None


def is_text_of(text: str, key: Key | None) -> bool:
    """Return whether `text` is the key's, in the same time whether it is, is not, or there is no key."""
    same = hmac.compare_digest(digest_of(text), _NOBODY if key is None else key.digest)
    return same and key is not None
