"""A credit that could not be folded in, as a dead letter: a credit record of its own that holds nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.credit import ESTABLISHED, EVENT, UNDO, Credits, encode_credits
from schemas.dead_letter import DeadLetter
from streams.stages.arrival import Batch, origin

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk
    from streams.stages.quarantine import PoisonError

SOURCE: Final = "target-stage"


def credit_letter(chunk: Chunk, c: Batch, i: int, error: PoisonError) -> DeadLetter:
    """Return the letter about event `i`; its detail names the engagement, partition@offset, then the error."""
    source, offset = origin(int(c.references[i]))
    place = int(np.searchsorted(chunk.offsets, c.credit_offsets[i]))
    return DeadLetter(
        value=encode_credits(_alone(c, i, source, offset)),
        reason=error.reason,
        detail=f"engagement {source}@{offset}: {error.detail}",
        topic=chunk.topic,
        partition=chunk.partition,
        offset=int(c.credit_offsets[i]),
        source=SOURCE,
        at_ms=int(chunk.timestamps_ms[place]),
    )


def _alone(c: Batch, i: int, source: int, offset: int) -> Credits:
    user = int(c.targets[i])
    name = c.buf[c.start[user] : c.start[user] + c.length[user]]
    event = np.zeros(1, EVENT)
    event["at"], event["mass"], event["reach"] = c.at[i], c.mass[i], c.reach[i]
    event["actor"], event["flags"] = c.actors[i], c.kinds[i] + ESTABLISHED * c.established[i] + UNDO * c.undone[i]
    undone = np.full(int(c.undone[i]), offset)
    return Credits(source, int(c.produced_at_ms[user]), offset, event, np.array([len(name)], "<u2"), name, undone)
