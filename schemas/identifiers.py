"""What a user id may be: `network:native-id`, compared byte for byte after Unicode NFC."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from schemas.engagement import MAX_USER_BYTES
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason
from schemas.redis_keys import RESERVED_NETWORK

MOST_SHRINKING = 2
"""NFC takes at most 1.5 characters to a byte. Longer texts are refused unsorted: sorting marks takes quadratic time."""
_USER = re.compile(r"[a-z0-9-]{1,32}:[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def normal_text(text: str, field: str, limit: int) -> bytes:
    """Return `text` as NFC UTF-8 bytes of 1..`limit`; raise BadRecordError naming `field` otherwise."""
    if not text.isascii() and len(text) > MOST_SHRINKING * limit:
        detail = f"{field}={shown(text[:limit])}: {len(text)} characters; send 1 to {limit} bytes"
        raise BadRecordError(Reason.INVALID_FIELD, detail)
    plain = text if text.isascii() else unicodedata.normalize("NFC", text)
    try:
        raw = plain.encode()
    except UnicodeEncodeError as error:
        detail = f"{field}={shown(text)}: half of a surrogate pair; send whole characters"
        raise BadRecordError(Reason.INVALID_FIELD, detail) from error
    if not 0 < len(raw) <= limit:
        detail = f"{field}={shown(text)}: {len(raw)} bytes; send 1 to {limit}"
        raise BadRecordError(Reason.INVALID_FIELD, detail)
    return raw


@lru_cache(maxsize=200_000)
def user_id(text: str, field: str = "user") -> bytes:
    r"""Return the user id as NFC UTF-8 bytes; raise BadRecordError when it is not `network:native-id`.

    >>> user_id("bsky:did:plc:abc")
    b'bsky:did:plc:abc'
    >>> user_id("bsky:Cafe\u0301") == user_id("bsky:Caf\u00e9")
    True
    """
    raw = normal_text(text, field, MAX_USER_BYTES)
    if not _USER.fullmatch(raw.decode()):
        detail = f"{field}={shown(text)}: send network:native-id, network [a-z0-9-]{{1,32}}, no control characters"
        raise BadRecordError(Reason.INVALID_FIELD, detail)
    if text.startswith(f"{RESERVED_NETWORK}:"):
        raise BadRecordError(Reason.INVALID_FIELD, f"{field}={shown(text)}: network {RESERVED_NETWORK} is reserved")
    return raw


def network_of(user: str) -> str:
    """Return the network part of a user id.

    >>> network_of("github:torvalds")
    'github'
    """
    return user.partition(":")[0]
