"""Command: what a person or operator asks of a user's record. Topic `renown.commands.v1`, read by every worker.

A command names its subject by the keyed hash of the id alone: the list of those who left must not name them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from schemas.engagement import ActId
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

OPT_OUT: Final = "opt_out"
OPT_IN: Final = "opt_in"
FORGET: Final = "forget"


class Command(msgspec.Struct, frozen=True):
    """One idempotent command about the user whose id has the keyed hash `subject` (16 hexadecimal digits).

    `opt_out`: everything known is deleted, and later events by or about the user are dropped. `opt_in`: events
    appended from now on count again. `forget`: everything known is deleted, events appended from now on count.
    `at_ms` is when it was asked for, `by` who asked, for the record; the broker's append time is what counts.
    """

    id: ActId
    command: Literal["opt_out", "opt_in", "forget"]
    subject: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    at_ms: int
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Command)


def subject_of(hashed: int) -> str:
    """Return a keyed hash as commands write it.

    >>> subject_of(255)
    '00000000000000ff'
    """
    return f"{hashed:016x}"


def encode_command(command: Command) -> bytes:
    """Return the command as JSON."""
    return _ENCODER.encode(command)


def decode_command(value: bytes | None) -> Command:
    """Return the command in `value`; raise BadRecordError when it is not one."""
    try:
        return _DECODER.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(Reason.UNDECODABLE, f"command {shown(value)}: {error}") from error
