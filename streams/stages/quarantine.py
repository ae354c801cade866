"""How much poison a partition endures: single acts are set aside, a stream of them ends the worker.

A release with a bug may fail over every act. Setting all of them aside would throw the stream away, so poison may
outnumber the acts that were handled by so many and no more, in the order of the log, over chunks and restarts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.errors import BadRecordError
from schemas.reasons import Reason

if TYPE_CHECKING:
    from streams.engine.partition import Partition

MOST: Final = 100


class PoisonError(BadRecordError):
    """A record that our own code fails over: not known to break its contract, so that a later release may take it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(Reason.POISON, f"{type(cause).__name__}: {cause}")
        self.cause = cause


def endure(partition: Partition, stage: str, count: int, poison: list[tuple[int, PoisonError]]) -> None:
    """Note `poison` (places, ascending) among `count` records; raise what the last one raised when it is too much.

    The surplus of poison is one of the partition's metas: a worker that ended over it ends again at the next one
    instead of setting another hundred aside.
    """
    name = f"poison:{stage}".encode()
    known = int.from_bytes(partition.meta.get(name, b""), "little")
    if not known and not poison:
        return
    surplus, handled = known, 0
    for place, error in poison:
        surplus = max(0, surplus - (place - handled)) + 1
        handled = place + 1
        if surplus > MOST:
            error.cause.add_note(
                f"{stage} of partition {partition.number}: {MOST} more acts failed than were handled, and here is "
                "another. Nothing of this chunk is kept; go back to the release before, or mend this one"
            )
            raise error.cause
    surplus = max(0, surplus - (count - handled))
    if surplus != known:
        partition.set_meta(name, surplus.to_bytes(8, "little"))
