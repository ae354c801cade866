"""Records of the scores topic as a worker writes them, each user's masses drifting from score to score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from agents.bench.synthetic import user_names
from schemas.kinds import KINDS
from schemas.rows import TOP_EVENTS
from schemas.score import Counts, Moment, Parts, Score, encode_score

START_MS: Final = 1_790_000_000_000
STEP_MS: Final = 10
FADE: Final = 0.995
"""What is left of a mass from one score to the next."""
SHOWN_MOVES: Final = 0.3
"""Share of the scores that move the shown number, which is limited to a tenth in a quarter of an hour."""


class ScoreRecords:
    """`users` people with heavy-tailed masses; every record drawn is newer than the ones before."""

    def __init__(self, users: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._names = user_names(users, seed)
        self._parts = self._random.exponential(2.0, (users, len(Parts.__struct_fields__)))
        self._shown = self._random.uniform(1.0, 99.0, users).round(1)
        self._version = 0

    def of(self, order: np.ndarray) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of one new score for each user in `order` (i8 into the people)."""
        for person in order.tolist():
            self._version += 1
            parts = self._parts[person]
            parts *= FADE
            parts[self._version % len(parts)] += self._random.exponential(0.1)
            if self._random.random() < SHOWN_MOVES:
                self._shown[person] = round(min(100.0, self._shown[person] + 0.1), 1)
            name = self._names[person]
            yield name, encode_score(self._score(name.decode(), parts.tolist(), float(self._shown[person])))

    def _score(self, user: str, parts: list[float], shown: float) -> Score:
        raw, now_ms, version = sum(parts), START_MS + STEP_MS * self._version, self._version
        return Score(
            user=user, score=shown, target_score=round(min(100.0, shown + raw / 7), 3), raw=raw,
            relationships=round(1 + parts[4], 1), momentum=parts[version % 4] / 9, reach=raw * 1.7,
            percentile=round(100 * raw / (1 + raw), 3), provisional=version % 3 == 0, parts=Parts(*parts),
            counts_7d=Counts(*(int(9 * part) for part in parts[: len(KINDS)])),
            moments=tuple(
                Moment(number, version * 7 + number, KINDS[number % len(KINDS)], now_ms - 999_983 * number, part / 3)
                for number, part in enumerate(parts[:TOP_EVENTS])
            ),
            as_of=now_ms, version=version, model="default@00000000", produced_at_ms=now_ms - 40, emitted_at_ms=now_ms,
        )  # fmt: skip
