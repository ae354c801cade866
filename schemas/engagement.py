"""Engagement: one person acted towards another. Topic `renown.engagements.v1`, key = actor, value = JSON."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

MAX_ID_BYTES: Final = 512
MAX_USER_BYTES: Final = 256
MAX_OBJECT_BYTES: Final = 512
MAX_RECORD_BYTES: Final = 16_384
"""A record beyond this is refused undecoded: every field at its limit, escaped, fits in half of it."""
MAX_OCCURRED_AT_MS: Final = 4_102_444_800_000
"""2100-01-01: later instants are refused as out of range, whatever the clock says."""

ActId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_ID_BYTES, description="the act, same on every delivery")
]
UserId = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=MAX_USER_BYTES,
        pattern=r"^[a-z0-9-]{1,32}:[^\u0000-\u001f\u007f-\u009f]+$",
        description="network:native-id, at most 256 UTF-8 bytes, NFC, no control characters",
    ),
]
ObjectId = Annotated[str, msgspec.Meta(max_length=MAX_OBJECT_BYTES, description="the post acted upon")]
Instant = Annotated[int | str, msgspec.Meta(description="RFC 3339 with offset, or integer epoch milliseconds")]


class Engagement(msgspec.Struct, frozen=True, gc=False):
    """One act as producers write it. Construct freely, but only `schemas.codec` enforces the contract."""

    id: ActId
    kind: Annotated[str, msgspec.Meta(pattern="^(like|share|mention|reply)$")]
    actor: UserId
    target: UserId
    occurred_at: Instant
    object: ObjectId | None = None
    undo: bool = False


class Act(msgspec.Struct, frozen=True, gc=False):
    """An engagement that met its contract: identifiers as NFC bytes, kind as code, time in epoch ms."""

    id: bytes
    kind: int
    actor: bytes
    target: bytes
    occurred_at_ms: int
    object: bytes = b""
    undo: bool = False
