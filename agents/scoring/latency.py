"""How long scores take from event to readable, over a moving window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOW_SAMPLES = 4_096


@dataclass(slots=True)
class Latency:
    """The newest WINDOW_SAMPLES delays in milliseconds, and their quantiles by rank."""

    samples: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW_SAMPLES))

    def add(self, delays_ms: Iterable[int]) -> None:
        """Take in delays; a clock that runs behind the broker's cannot make them negative."""
        self.samples.extend(max(0, delay) for delay in delays_ms)

    def quantiles(self) -> tuple[int, int] | None:
        """Return the delays that 50 % and 99 % of the samples do not exceed, None without samples.

        >>> Latency(deque([10, 20, 30, 40])).quantiles()
        (20, 40)
        """
        if not self.samples:
            return None
        ranked = sorted(self.samples)
        return ranked[(len(ranked) - 1) // 2], ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
