"""The calibration topic, followed: the newest report of every partition and the newest map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.published_map import MAP_KEY, PublishedMap, decode_map
from schemas.report import Report, decode_report
from streams.security import kafka_client

if TYPE_CHECKING:
    from streams.settings import Settings


@dataclass(slots=True)
class CalibrationView:
    """What the topic says up to the last look."""

    settings: Settings
    reports: dict[int, Report] = field(default_factory=dict)
    newest: PublishedMap | None = None
    _consumer: AIOKafkaConsumer = field(init=False)

    def __post_init__(self) -> None:
        """Make the client, in the running loop."""
        self._consumer = AIOKafkaConsumer(**kafka_client(self.settings), enable_auto_commit=False)

    async def start(self) -> None:
        """Connect and begin at the beginning; KafkaError when the broker is away."""
        await self._consumer.start()
        self._consumer.assign([self._place])
        await self._consumer.seek_to_beginning(self._place)

    async def stop(self) -> None:
        """Close the connection."""
        await self._consumer.stop()

    async def look(self) -> None:
        """Take in what has come since."""
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        while await self._consumer.position(self._place) < end:
            for record in (await self._consumer.getmany(self._place, timeout_ms=500)).get(self._place, []):
                if record.key == MAP_KEY:
                    self.newest = decode_map(record.value)
                else:
                    report = decode_report(record.value)
                    self.reports[report.partition] = report

    @property
    def users(self) -> int:
        """Return how many users all partitions have reported."""
        return sum(report.users for report in self.reports.values())

    @property
    def age_s(self) -> float:
        """Return the stream time passed since the newest map was made, 0 without one."""
        if self.newest is None:
            return 0.0
        now_s = max((report.as_of for report in self.reports.values()), default=0) / 1000
        return max(0.0, now_s - self.newest.map.as_of)

    @property
    def _place(self) -> TopicPartition:
        return TopicPartition(self.settings.topics.calibration.name, 0)
