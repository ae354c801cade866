"""Granted log, layout: what each act of the last while gave, on its actor's partition, so that an undo finds it.

An entry with UNDO among its marks is no act: it says that the act with the same key was taken back by the engagement
at `offset`. An entry whose key is 0 was about somebody who left.
"""

from __future__ import annotations

from typing import Final

import numpy as np

GRANTED_VERSION: Final = 1
GRANTED: Final = np.dtype(
    [
        ("key", "<u8"),  # keyed hash of act id, actor and target
        ("at", "<f8"),  # event time in seconds, of act or undo
        ("mass", "<f8"),  # g
        ("offset", "<i8"),  # of the engagement in the partition's log
        ("actor", "<u4"),  # low half of the keyed hash, by which those who leave are found
        ("target", "<u4"),
        ("marks", "u1"),  # kind, ESTABLISHED, UNDO as in credits
    ]
)
