"""The only place that reads the wall clock; everything else is told the time.

The wall clock may jump. Whatever measures how long something took or waits uses the steady one.
"""

from __future__ import annotations

import time


def steady_s() -> float:
    """Return seconds since an instant that is the same for the life of the process, whatever the wall clock does."""
    return time.monotonic()


def wall_ms() -> int:
    """Return the wall clock as milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
