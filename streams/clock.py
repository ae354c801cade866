"""The only place that reads the wall clock; everything else is told the time."""

from __future__ import annotations

import time


def wall_s() -> float:
    """Return the wall clock as seconds since the epoch."""
    return time.time()


def wall_ms() -> int:
    """Return the wall clock as milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
