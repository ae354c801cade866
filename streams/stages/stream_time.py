"""Stream time: the greatest event time seen anywhere, which is "now" for every score."""

from __future__ import annotations


class StreamTime:
    """The newest event time known to this worker, in seconds; 0.0 before the first event.

    An event counts as soon as it is accepted, and an accepted event is at most the allowed skew ahead of the
    broker's clock, so stream time is too.
    """

    def __init__(self) -> None:
        self.now_s = 0.0

    def advance(self, at_s: float) -> None:
        """Move to `at_s` unless stream time is there already."""
        self.now_s = max(self.now_s, at_s)
