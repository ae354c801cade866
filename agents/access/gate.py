"""Who is at the door: with a file of keys whoever holds one, without one any program of this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agents.access.bucket import Bucket, Buckets
from agents.access.key import OPEN_NAME, Purpose
from agents.access.ring import KeyRing

BROWSER_HEADERS = ("Origin", "Sec-Fetch-Site")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key's name (never the key) and, by `bucket`, how much more it may; None = as it likes.

    `now_s` is the bucket's clock.
    """

    name: str
    bucket: Bucket | None = None
    now_s: Callable[[], float] = time.monotonic

    def wait_s(self) -> int:
        """Return the whole seconds until the caller may send again, 0 when it may now."""
        return 0 if self.bucket is None else math.ceil(self.bucket.wait_s(self.now_s()))

    def take(self, items: int) -> bool:
        """Take the items off what the caller may send; False when it must wait."""
        return self.bucket is None or self.bucket.take(items, self.now_s())


class ForeignPageError(Exception):
    """A web page in somebody's browser asks, where no key tells it from the programs of this machine."""


class Gate(Protocol):
    """Lets in or raises."""

    def caller(self, headers: Mapping[str, str], purpose: Purpose) -> Caller:
        """Return who asks; raise KeyRefusedError, KeyFileError or ForeignPageError."""

    def names(self) -> set[str]:
        """Return every name a caller can have now."""


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Asks for no key. Browsers reach loopback, too, from any page: what they mark as theirs is refused."""

    def caller(self, headers: Mapping[str, str], purpose: Purpose) -> Caller:
        """Return the one caller there is; raise ForeignPageError for a browser."""
        if purpose is Purpose.INGEST and any(name in headers for name in BROWSER_HEADERS):
            raise ForeignPageError
        return Caller(OPEN_NAME)

    def names(self) -> set[str]:
        """Return the one name."""
        return {OPEN_NAME}


@dataclass(frozen=True, slots=True)
class KeyGate:
    """Lets in who holds a key of `ring`; `rate` (items a second) is for keys without one of their own.

    A rate belongs to a name: two keys of one rotation share it. `now_s` is monotonic.
    """

    ring: KeyRing
    rate: float
    burst_s: float
    now_s: Callable[[], float]
    _buckets: Buckets = field(default_factory=Buckets)

    def caller(self, headers: Mapping[str, str], purpose: Purpose) -> Caller:
        """Return the holder of the key; raise KeyRefusedError or KeyFileError."""
        key = self.ring.checked(headers.get("Authorization", ""), purpose)
        rate = self.rate if key.rate is None else key.rate
        bucket = self._buckets.of(key.name, rate, rate * self.burst_s, self.now_s())
        return Caller(key.name, bucket, self.now_s)

    def names(self) -> set[str]:
        """Return the names in the file as last read."""
        return self.ring.names()
