"""A synthetic world (`agents.bench.world`) as a live source, with an attack (`agents.attack.scenarios`) on demand.

Acts happen now, in the rhythm of the day; or, with `days`, over the days before now, sent at `rate`. The cursor
says when the world began and how many acts were sent. Ids are `world:<seed>-<number>`; the attack's,
`world:<seed>:attack-<number>`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from agents.ingest.live.contract import Frame, Memory, Reading, option
from agents.ingest.outcomes import Ready, Refused
from agents.ingest.pace import Pace
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError, BadSettingError
from streams.clock import wall_ms

if TYPE_CHECKING:
    from agents.bench.world_course import Course

DAY_S: Final = 86_400.0
ATTACK_AFTER_S: Final = 60.0
HISTORY_ACTS: Final = 100_000
PACED_ACTS: Final = 20


@dataclass(frozen=True)
class World:
    """A made-up world with a known truth: communities, daily rhythm, bots, bursts, and an attack on demand."""

    rate: float = option(100.0, "Acts a second, on average; 0 with --days = as fast as Kafka takes them.", at_least=0)
    users: int = option(2_000, "People.", at_least=2)
    seed: int = option(1, "The same seed makes the same people and acts.", at_least=0)
    communities: int = option(12, "Communities, some large and many small.", at_least=1)
    bots: float = option(0.01, "Share of the people who are bots.", at_least=0)
    days: float = option(0.0, "Spread the acts over the days before now; 0 = acts happen as they are sent.", at_least=0)
    events: int = option(0, f"Acts in all; 0 = no end, with --days {HISTORY_ACTS:,}.", at_least=0)
    attack: str = option("", "An attack of `renown attack --list`.")
    attack_size: int = option(100, "Accounts that take part in it, or acts of a lone voice.", at_least=1)
    attack_after_s: float = option(0.0, "The attack's end after the start; 0 = a minute, or all --days.", at_least=0)
    truth: str = option("world.json", "File that will say who is who; empty = none.")

    @property
    def feed(self) -> str:
        """Return what makes the acts what they are."""
        attack = f" {self.attack} {self.attack_size} {self.attack_after_s:g}" if self.attack else ""
        return f"{self.seed} {self.users} {self.communities} {self.bots:g} {self._per_day:.10g}{attack}"

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - no hosts
        """Yield acts as they fall due, each led by the place after it; return after the last."""
        from agents.bench.world_course import Place

        place = Place.spelt(cursor) if cursor else Place(wall_ms() - int(self.days * DAY_S * 1000))
        course = self.course(place.start_ms)
        self._tell(course)
        pace = Pace(self.rate or None)
        for number, sent in enumerate(course.acts(place), 1):
            if not self.days:
                await asyncio.sleep(max(0.0, (sent.at_ms - wall_ms()) / 1000.0))
            elif number % PACED_ACTS == 0:
                await pace.spent(PACED_ACTS)
            yield Frame(b"%s %d\n%s" % (str(sent.place).encode(), sent.at_ms, sent.value))

    def read(self, raw: bytes, memory: Memory) -> Reading:  # noqa: ARG002 - nothing is taken back
        """Return the act of a frame: a line with place and time, then the engagement itself."""
        head, _, value = raw.partition(b"\n")
        try:
            act = decode_engagement(value)
        except BadRecordError as error:
            return Reading([Refused(error, 0, raw)])
        return Reading([Ready(act, value)], head.partition(b" ")[0].decode("ascii", "replace"), act.occurred_at_ms)

    def course(self, start_ms: int) -> Course:
        """Return all that is sent when the world begins at `start_ms`."""
        from agents.bench.world import World as People
        from agents.bench.world_course import Assault, Course

        people = People(self.seed, self.users, self.communities, self.bots, self._per_day, start_ms)
        if not self.attack:
            return Course(people, self._last)
        after_s = self.attack_after_s or self.days * DAY_S or ATTACK_AFTER_S
        return Course(
            people, self._last, Assault(people, self.attack, self.attack_size, start_ms + int(after_s * 1000))
        )

    @property
    def _last(self) -> int | None:
        return self.events or (HISTORY_ACTS if self.days else None)

    @property
    def _per_day(self) -> float:
        if self.days and self._last:
            return self._last / self.days
        if not self.rate:
            raise BadSettingError("--rate", self.rate, "without --days, send acts a second above 0")
        return self.rate * DAY_S

    def _tell(self, course: Course) -> None:
        if not self.truth:
            return
        found = course.world.truth() | (course.assault.truth() if course.assault else {})
        try:
            Path(self.truth).write_bytes(orjson.dumps(found))
        except OSError as error:
            raise BadSettingError("--truth", self.truth, f"cannot be written ({error.strerror})") from error


SOURCE = World
