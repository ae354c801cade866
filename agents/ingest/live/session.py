"""One connection to a feed: frames read, published, acknowledged, and only then the cursor made durable."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from agents.ingest.live.contract import FEED_ERRORS, Frame, Reading, Source
from agents.ingest.live.intake import Intake
from agents.ingest.live.metrics import CollectMetrics
from agents.ingest.live.state import State
from agents.ingest.outcomes import Outcome, Refused
from agents.ingest.publisher import Publisher
from schemas.errors import BadRecordError
from schemas.instants import rfc3339
from schemas.reasons import Reason

log = structlog.get_logger()
SETTLE_S = 0.25
"""At most so long lies between a frame's arrival and the wait for its acknowledgement; none without a cursor yet."""


@dataclass(slots=True)
class Session:
    """Brings the frames of one connection into Kafka; `now_ms` is the wall clock."""

    source: Source
    state: State
    publisher: Publisher
    metrics: CollectMetrics
    now_ms: Callable[[], int]
    max_future_skew_s: float
    _cursor: str | None = None
    _at_ms: int = 0
    _believed_s: float | None = None
    """How long the feed may be silent until its first frame; None = anything is believed, or it has come."""
    _unanswered: list[asyncio.Future[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take up where the state is."""
        self._cursor, self._at_ms = self.state.cursor, self.state.at_ms
        self._believed_s = getattr(self.source, "continuous_s", None)

    async def run(self, attempt: int, ending: asyncio.Event, advanced: Callable[[], None]) -> bool:
        """Return True when the feed is over, False when `ending` was set; everything read is then acknowledged.

        `advanced` is called when the cursor has moved. Raises one of FEED_ERRORS, what came before it acknowledged, and
        KafkaAwayError, when the cursor stays where Kafka last answered.
        """
        try:
            async with Intake(self.source.frames(self._cursor, attempt)) as intake:
                over = await self._taken(intake, ending, advanced)
                await self._settled()
        except FEED_ERRORS:
            await self._settled()
            raise
        finally:
            self.state.revert()
            self.metrics.connected.set(0)
            for sender in self._unanswered:
                sender.cancel()
        return over

    async def _taken(self, intake: Intake, ending: asyncio.Event, advanced: Callable[[], None]) -> bool:
        settled_at = time.monotonic()
        while not ending.is_set():
            block = await intake.block(SETTLE_S)
            if block is None:
                return True
            if block:
                self.metrics.connected.set(1)
                before = self._cursor
                await self._published(block)
                if self._cursor != before:
                    advanced()
            if not block or self.state.cursor is None or time.monotonic() - settled_at > SETTLE_S:
                await self._settled()
                settled_at = time.monotonic()
        return False

    async def _published(self, block: Sequence[Frame]) -> None:
        for frame in block:
            self.metrics.frames.inc()
            if frame.taken is not None:
                self._unanswered.append(frame.taken)
            reading = self._read(frame.raw)
            await self.publisher.publish(_recognisable(reading.outcomes))
            if reading.at_ms is not None:
                self._notice(reading.at_ms)
            self._advance(reading)
        await self.publisher.push()

    def _read(self, raw: bytes) -> Reading:
        reading = self.source.read(raw, self.state)
        if (refusal := self._ahead_of_time(reading, raw)) is not None:
            return Reading([refusal])
        if not reading.outcomes:
            self.metrics.passed.inc()
        return reading

    def _notice(self, at_ms: int) -> None:
        """Tell of a gap: a feed that is never silent for long begins long after the cursor."""
        believed_s, self._believed_s = self._believed_s, None
        if believed_s is not None and self._at_ms and at_ms - self._at_ms > believed_s * 1000:
            lost_s = round((at_ms - self._at_ms) / 1000)
            log.warning("gap", after=rfc3339(self._at_ms), before=rfc3339(at_ms), lost_s=lost_s)

    def _advance(self, reading: Reading) -> None:
        """Move the cursor, never back: were a connection cut again and again within its overlap, it would recede."""
        at_ms = self._at_ms if reading.at_ms is None else reading.at_ms
        if at_ms >= self._at_ms:
            self._cursor, self._at_ms = reading.cursor or self._cursor, at_ms

    def _ahead_of_time(self, reading: Reading, raw: bytes) -> Refused | None:
        """Return the refusal of a frame from the future: its cursor would skip everything up to then."""
        latest_ms = self.now_ms() + int(self.max_future_skew_s * 1000)
        if reading.at_ms is None or reading.at_ms <= latest_ms:
            return None
        detail = f"the frame is {reading.at_ms - latest_ms} ms past {rfc3339(latest_ms)}; set this machine's clock"
        return Refused(BadRecordError(Reason.FROM_THE_FUTURE, detail), 0, raw)

    async def _settled(self) -> None:
        """Return when Kafka has acknowledged all that was read, the cursor is durable and the senders are told."""
        await self.publisher.flush()
        self.state.commit(self._cursor, self._at_ms)
        answered, self._unanswered = self._unanswered, []
        for sender in answered:
            if not sender.done():
                sender.set_result(None)
        self.metrics.told(self.publisher.tally)
        if self._at_ms:
            self.metrics.acknowledged(self._at_ms, self.now_ms())


def _recognisable(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield the outcomes; a refused frame is numbered by its bytes, so that read twice it is one dead letter."""
    for each in outcomes:
        yield each._replace(line=zlib.crc32(each.value)) if isinstance(each, Refused) else each
