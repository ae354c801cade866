"""Acts that are told to fail, for tests of what isolates them: `RENOWN_POISON=place:pattern,…`, read at start.

At place `admit` every chunk with such an act fails to be read; at `price` and `credit` the kernel raises over it.
A pattern, as in a shell, is matched with an act's id and actor, at `credit` with its target. What matches is
refused: never set it where scores count.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from schemas.codec import decode_engagements
from schemas.engagement import Act
from schemas.errors import BadSettingError

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk

VARIABLE: Final = "RENOWN_POISON"
ADMIT, PRICE, CREDIT = PLACES = ("admit", "price", "credit")
TOLD: Final = f"told to fail by {VARIABLE}"


@dataclass(frozen=True, slots=True)
class PoisonPlan:
    """Which acts fail where: (place, pattern) of each kind."""

    told: tuple[tuple[str, str], ...]

    def hit(self, place: str, chunk: Chunk) -> list[int]:
        """Return which records of engagements fail at `place`."""
        acts = decode_engagements(chunk.values) if any(place == at for at, _ in self.told) else []
        return [i for i, act in enumerate(acts) if isinstance(act, Act) and self._fits(place, act.id, act.actor)]

    def named(self, place: str, users: Iterable[bytes]) -> list[int]:
        """Return which of `users` make an act fail at `place`."""
        return [i for i, user in enumerate(users) if self._fits(place, user)]

    def _fits(self, place: str, *texts: bytes) -> bool:
        patterns = [pattern for at, pattern in self.told if at == place]
        return any(fnmatchcase(text.decode(), pattern) for text in texts for pattern in patterns)


def planned(text: str | None = None) -> PoisonPlan | None:
    """Return the plan in `text` or the environment, None for none; BadSettingError for an unknown place."""
    text = os.environ.get(VARIABLE, "") if text is None else text
    if not text:
        return None
    told = []
    for one in text.split(","):
        place, _, pattern = one.partition(":")
        if place not in PLACES or not pattern:
            raise BadSettingError(VARIABLE, text, f"say one of {', '.join(PLACES)}, then : and a pattern of ids")
        told.append((place, pattern))
    return PoisonPlan(tuple(told))
