"""A block of acts as columns, for readers that can hand them over without an object per act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.ingest.outcomes import Refused


@dataclass(frozen=True, slots=True)
class Columns:
    """Acts that met the contract, without duplicates, in the order of the file; all columns of one length.

    `actors` and `targets` are positions in `users`, which holds every id of the block once.
    """

    users: Sequence[bytes]
    actors: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint8]
    at_ms: npt.NDArray[np.int64]
    refused: Sequence[Refused] = ()
    duplicates: int = 0  # lines that tell of an act told already

    def __len__(self) -> int:
        return len(self.kinds)
