"""An event whose handling raises leaves no trace, and the events beside it are handled as if it had not been there.

A kernel computes everything that an event changes before it writes any of it, and says in `cells` (i8[3]) where it
stands: NEXT = where the call begins; EVENT = which event is being computed, -1 between two and while one is being
written; END = end of the record that the kernel has looked through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
NEXT, EVENT, END = range(3)
NOTHING: Final = -1
NOT_FINITE: Final = "an amount would become infinite or no number, and stay so for ever"
ISOLATED: Final = (ArithmeticError, LookupError, ValueError, TypeError)
"""What an event can be to blame for. Memory that is short, a broken guarantee or a lost broker is nobody's act."""
Poison = list[tuple[int, Exception]]
"""Places of events that could not be handled, each with what it raised; ascending."""


def each_or_nothing(kernel: Callable[[Ints], None], keep: npt.NDArray[np.uint8], poison: Poison | None) -> None:
    """Run `kernel` over all events; one that raises gets keep 0, is added to `poison`, and is passed over.

    Without `poison` the error propagates, and always when no event was being computed: then the call itself is
    wrong, or an event is half written.
    """
    cells = np.zeros(3, np.int64)
    while True:
        cells[EVENT] = NOTHING
        try:
            kernel(cells)
        except ISOLATED as error:
            event = int(cells[EVENT])
            if poison is None or event == NOTHING:
                raise
            keep[event] = 0
            poison.append((event, error))
            cells[NEXT] = event + 1
        else:
            return
