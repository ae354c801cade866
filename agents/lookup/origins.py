"""Acts behind moments for a server that is asked again and again: remembered, and Kafka asked by few at a time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from agents.lookup.departed import Departed
from agents.lookup.origin import acts_of
from schemas.engagement import Act
from schemas.score import Moment
from streams.security import kafka_security
from streams.settings import Settings

MOST_REMEMBERED: Final = 10_000
MOST_ASKING: Final = 2
SLOW_S: Final = 3.0
REST_S: Final = 10.0
"""Kafka that was slow to answer is left alone so long: explanations then come at once, without names."""
_Place = tuple[int, int]


class Origins:
    """Names the acts behind moments; never raises, an explanation without names is better than none.

    Acts of people who left are not named, though remembered: whether they left is asked anew for every answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._departed = Departed(settings)
        self._known: OrderedDict[_Place, Act] = OrderedDict()
        self._asking = asyncio.Semaphore(MOST_ASKING)
        self._rests_until_s = 0.0

    async def acts(self, moments: Sequence[Moment]) -> list[Act | None]:
        """Return the act behind each moment, None where it is not known now."""
        async with self._asking:
            started_s = time.monotonic()
            if not moments or started_s < self._rests_until_s:
                return [None] * len(moments)
            found = await self._departed.hidden(await self._found(moments))
            if time.monotonic() - started_s >= SLOW_S:
                self._rests_until_s = time.monotonic() + REST_S
            return found

    async def _found(self, moments: Sequence[Moment]) -> list[Act | None]:
        missing = [moment for moment in moments if _place(moment) not in self._known]
        topic, security = self._settings.topics.engagements.name, kafka_security(self._settings)
        asked = await acts_of(self._settings.bootstrap, topic, missing, **security)
        for moment, act in zip(missing, asked, strict=True):
            if act is not None:
                self._known[_place(moment)] = act
        found = [self._known.get(_place(moment)) for moment in moments]
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return found


def _place(moment: Moment) -> _Place:
    return moment.partition, moment.offset
