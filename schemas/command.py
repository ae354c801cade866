"""Command: what a person or operator asks of a user's record. Topic `renown.commands.v1`, read by all partitions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from schemas.engagement import ActId, Instant, UserId


class Command(msgspec.Struct, frozen=True):
    """One idempotent command; `other` is the person that an account is linked to."""

    id: ActId
    command: Literal["opt_out", "opt_in", "forget", "link", "unlink"]
    user: UserId
    at: Instant
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    other: UserId | None = None
