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
LINK: Final = "link"
UNLINK: Final = "unlink"
MOST_PARTITIONS: Final = 4096
"""As many as a reference to an engagement can tell apart."""
Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Place = Annotated[int, msgspec.Meta(ge=0, le=MOST_PARTITIONS - 1)]


class Person(msgspec.Struct, frozen=True):
    """Whom an account is linked to: the keyed hash `subject` of the id, whose partition is `home`.

    `introduced` are the places (partition, offset) of the credits topic where the account's and the person's
    partition learn both names; a partition obeys the command once it has applied what is there.
    """

    subject: Hash
    home: Place
    introduced: tuple[tuple[Place, int], ...]


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """One idempotent command about the user whose id has the keyed hash `subject` (16 hexadecimal digits).

    `opt_out`: everything known is deleted, and later events by or about the user are dropped. `opt_in`: events
    appended from now on count again. `forget`: everything known is deleted, events appended from now on count.
    `link`: the account `subject` is one of `person`'s; what it has received and will receive is the person's. `unlink`:
    what it receives from now on is its own again.
    `at_ms` is when it was asked for, `by` who asked, for the record; the broker's append time is what counts.
    """

    id: ActId
    command: Literal["opt_out", "opt_in", "forget", "link", "unlink"]
    subject: Hash
    at_ms: int
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    person: Person | None = None


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
        found = _DECODER.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecordError(Reason.UNDECODABLE, f"command {shown(value)}: {error}") from error
    if (found.command == LINK) != (found.person is not None):
        detail = f"command {found.command}: `person` belongs to a link, and only there"
        raise BadRecordError(Reason.INVALID_FIELD, detail)
    return found
