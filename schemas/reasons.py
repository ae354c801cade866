"""Why a record was refused: a closed set, every member exported as a metric label from the start."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a record became a dead letter (or was only counted)."""

    UNDECODABLE = "undecodable"
    INVALID_FIELD = "invalid_field"
    UNKNOWN_KIND = "unknown_kind"
    SELF_ENGAGEMENT = "self_engagement"
    OWN_ACCOUNT = "own_account"
    FROM_THE_FUTURE = "from_the_future"
    TOO_LARGE = "too_large"
    BAD_SIGNATURE = "bad_signature"
    OPTED_OUT = "opted_out"
    UNDO_UNKNOWN = "undo_unknown"
    POISON = "poison"


COUNTED_ONLY = frozenset({Reason.OPTED_OUT, Reason.SELF_ENGAGEMENT, Reason.OWN_ACCOUNT, Reason.BAD_SIGNATURE})
"""Reasons that are counted and not kept: the record holds nothing to repair, or anybody could fill the topic."""
