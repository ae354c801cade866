"""How long to wait before connecting again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST_S = 0.5
LONGEST_S = 30.0
LONGEST_ASKED_S = 900.0
"""Longer waits than this are not taken from a server: an operator would think that we hang."""


@dataclass(slots=True)
class Backoff:
    """Pauses drawn evenly from 0 to a limit that doubles with each failure: a crowd cut off together comes back apart.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter").
    """

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S
    chance: random.Random = field(default_factory=random.Random)
    failures: int = 0
    """Since the last success; decides the limit."""
    attempt: int = 0
    """Failures ever; sources choose hosts by it."""

    def pause_s(self, asked_s: float = 0.0) -> float:
        """Count a failure and return the seconds to wait, at least what the server asked for (up to 15 minutes)."""
        limit_s = min(self.longest_s, self.first_s * 2.0 ** min(self.failures, 32))
        self.failures += 1
        self.attempt += 1
        return max(self.chance.uniform(0.0, limit_s), min(asked_s, LONGEST_ASKED_S))

    def succeeded(self) -> None:
        """Begin anew with short pauses; the host stays."""
        self.failures = 0
