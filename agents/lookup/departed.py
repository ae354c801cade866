"""Acts of people who left are not named to others, wherever the raw input still holds them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from aiokafka.errors import KafkaError

from agents.commands_feed import follow_on
from streams.engine.hashing import hash_id
from streams.stages.suppression import Suppression

if TYPE_CHECKING:
    from schemas.engagement import Act
    from streams.settings import Settings

FRESH_S: Final = 2.0
"""Who left is asked for again after so long."""
LIMIT_S: Final = 5.0


class Departed:
    """Knows who left by the commands topic, read on from where the last question ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._said = Suppression()
        self._read_at_s = -np.inf
        self._asking = asyncio.Lock()

    async def hidden(self, acts: Sequence[Act | None]) -> list[Act | None]:
        """Return the acts without those of people who left; none at all while Kafka never told who did."""
        if not any(acts):
            return list(acts)
        async with self._asking:
            if time.monotonic() - self._read_at_s >= FRESH_S:
                await self._read()
        if not self._said.known.is_set():
            return [None] * len(acts)
        return [None if act is None or self._is_gone(act) else act for act in acts]

    def _is_gone(self, act: Act) -> bool:
        """Whether the act's actor left after it: an act is appended when it happened, or later."""
        hashed = np.array([hash_id(act.actor, self._settings.hash_key.encode())], np.uint64)
        earliest_ms = act.occurred_at_ms - int(self._settings.max_future_skew_s * 1000)
        return bool(self._said.drops(hashed, np.array([earliest_ms]))[0])

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await follow_on(self._settings, self._said)
            self._said.known.set()
            self._read_at_s = time.monotonic()
        except (KafkaError, OSError, TimeoutError):
            return  # what was known before still holds
