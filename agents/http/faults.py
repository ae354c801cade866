"""Why a whole request was turned away, beside the causes for which its key was."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NOBODY: Final = "-"
"""Stands for callers without a valid key: what they send never becomes a label."""


class Fault(StrEnum):
    """A closed set: each is a label of a metric."""

    BROWSER = "browser"
    KEYS_UNREADABLE = "keys_unreadable"
    RATE = "rate"
    BUSY = "busy"
    SLOW = "slow"
    TORN = "torn"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    BAD_BODY = "bad_body"
    KAFKA_AWAY = "kafka_away"
    REDIS_AWAY = "redis_away"
    NEWER = "newer"
    DAMAGED = "damaged"
    BAD_QUERY = "bad_query"
    UNKNOWN = "unknown_user"
    LINK_REFUSED = "link_refused"
