"""A chunk that cannot be read as a whole is read without the records to blame, which halving it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from streams.model.isolation import ISOLATED, Poison
from streams.stages.admission import Admitted
from streams.stages.quarantine import PoisonError

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk

Attempt = Callable[["Chunk"], Admitted]


def admit_rest(chunk: Chunk, attempt: Attempt) -> Admitted:
    """Return what `attempt`, a pure function, admits of `chunk`, records over which alone it raises among the refused.

    Whatever it raises over several records and over none of them alone propagates.
    """
    try:
        return attempt(chunk)
    except ISOLATED:
        poison = _poison(chunk, attempt)
        if not poison:
            raise
    kept = np.delete(np.arange(len(chunk)), [place for place, _ in poison])
    rest = attempt(chunk.part(kept))
    refused = [(int(kept[place]), error) for place, error in rest.refused]
    refused += [(place, PoisonError(error)) for place, error in poison]
    return Admitted(rest.columns, kept[rest.where], sorted(refused, key=lambda one: one[0]), rest.undos)


def _poison(chunk: Chunk, attempt: Attempt) -> Poison:
    """Return the records over which alone `attempt` raises."""
    found: Poison = []
    stretches = [(0, len(chunk))]
    while stretches:
        start, end = stretches.pop()
        try:
            attempt(chunk.part(np.arange(start, end)))
        except ISOLATED as error:
            middle = (start + end) // 2
            if end - start == 1:
                found.append((start, error))
            else:
                stretches += [(middle, end), (start, middle)]
    return found
