"""The synthetic world is its own feed: what it tells is worked out here a second time, without a collector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import orjson

from agents.bench.world_course import Place, Sent
from agents.sources.world import World
from deploy.local.state import StackState
from tests.sources.feeds.feed import Told

EVENTS = 600


class Feed:
    """A history of a day with an attack at its end; it cannot be cut, and says nothing wrong."""

    ends = True
    cursors = True
    garbage: Sequence[bytes] = ()

    def __init__(self, folder: Path, stack: StackState) -> None:  # noqa: ARG002 - every feed is given one
        self._truth = folder / "truth.json"
        self._world = World(users=50, days=1.0, events=EVENTS, attack="burst", attack_size=20)
        self._rate = "20"
        self.asked: list[str | None] = [""]

    @property
    def arguments(self) -> Sequence[str]:
        """Make the same world."""
        attack = ["--attack", "burst", "--attack-size", "20"]
        return [
            "--rate",
            self._rate,
            "--users=50",
            "--days=1",
            f"--events={EVENTS}",
            *attack,
            "--truth",
            str(self._truth),
        ]

    def told(self, after: str | None = None) -> set[Told]:
        """Return the ids, which do not depend on when the world began."""
        sent = self._sent(Place(0) if after is None else Place.spelt(after))
        return {(orjson.loads(each.value)["id"], False) for each in sent}

    def middle(self) -> str:
        """Return the place after half of the acts, in a world that begins a day ago for ever."""
        sent = self._sent(Place(1_790_000_000_000))
        return str(sent[len(sent) // 2].place)

    def release(self, share: float) -> None:
        """Let a part go at a pace at which it can be ended, all of it as fast as Kafka takes it."""
        self._rate = "0" if share == 1.0 else "200"

    async def __aenter__(self) -> Self:
        """Nothing listens."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing closes."""

    def _sent(self, place: Place) -> list[Sent]:
        return list(self._world.course(place.start_ms).acts(place))
