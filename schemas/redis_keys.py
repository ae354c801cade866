"""Redis keys: always a prefix and a whole id, never parsed back."""

from __future__ import annotations

from dataclasses import dataclass

HISTORY_DAYS = 90
RESERVED_NETWORK = "momentum"
"""No network may bear this name: its leaderboard's key is taken by the momentum leaderboard."""


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """Every key that Renown writes, under one `prefix`.

    >>> RedisKeys().user("github:torvalds")
    'renown:u:github:torvalds'
    """

    prefix: str = "renown"

    def user(self, user: str) -> str:
        """Return the key of the hash that holds a user's score."""
        return f"{self.prefix}:u:{user}"

    def history(self, user: str) -> str:
        """Return the key of the hash that holds one score per UTC day (field = day as YYYY-MM-DD)."""
        return f"{self.prefix}:h:{user}"

    def why(self, user: str) -> str:
        """Return the key of the string that holds the moments, as JSON."""
        return f"{self.prefix}:why:{user}"

    def top(self, network: str | None = None) -> str:
        """Return the key of the leaderboard of all, or of one network."""
        return f"{self.prefix}:top" if network is None else f"{self.prefix}:top:{network}"

    def top_momentum(self) -> str:
        """Return the key of the leaderboard by momentum."""
        return self.top(RESERVED_NETWORK)

    def meta(self) -> str:
        """Return the key of the hash about the deployment itself."""
        return f"{self.prefix}:meta"
