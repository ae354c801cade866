"""Token buckets: an average rate with room for bursts, per name."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_NAMES: Final = 10_000
ROUNDING: Final = 1e-6
"""Tokens by which sums of floats may be off: who waited as told must not be refused for them."""


@dataclass(slots=True)
class Bucket:
    """`level` tokens at `at_s` (monotonic seconds), refilled by `rate` a second up to `burst`.

    Who has one token may take any number and pays by waiting: a batch is taken whole or not at all, and the
    average holds all the same.
    """

    rate: float
    burst: float
    level: float
    at_s: float

    def wait_s(self, now_s: float) -> float:
        """Return how long until something may be taken, 0.0 when it may now."""
        self.level = min(self.burst, self.level + max(0.0, now_s - self.at_s) * self.rate)
        self.at_s = now_s
        missing = 1.0 - self.level
        return missing / self.rate if missing > ROUNDING else 0.0

    def take(self, tokens: float, now_s: float) -> bool:
        """Take the tokens, into debt if need be; False when nothing may be taken now."""
        if self.wait_s(now_s) > 0.0:
            return False
        self.level -= tokens
        return True


class Buckets:
    """One bucket per name, the least recently used forgotten first: strangers cannot make it grow."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, name: str, rate: float, burst: float, now_s: float) -> Bucket:
        """Return the bucket of `name`, a full one when it is new; a changed rate holds from now on."""
        most = max(1.0, burst)
        bucket = self._buckets.pop(name, None)
        if bucket is None:
            bucket = Bucket(rate, most, most, now_s)
        elif (bucket.rate, bucket.burst) != (rate, most):
            bucket.wait_s(now_s)
            bucket.rate, bucket.burst, bucket.level = rate, most, min(bucket.level, most)
        self._buckets[name] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket
