"""The calibration exchange: every partition reports its sketch, the owner of partition 0 merges them into a map,
and every worker scores by the newest map that it has read from the topic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from schemas.published_map import MAP_KEY, PublishedMap, decode_map, encode_map
from schemas.report import Report, basis_of, decode_report, encode_report, report_key
from streams.model.calibration import calibrated, merged
from streams.model.parameters import HOUR_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.calibration import CalibrationMap
    from streams.engine.fencing import FencedWriter
    from streams.model.parameters import Parameters
    from streams.settings import Settings
    from streams.stages.stream_time import StreamTime

LANE = "calibration"
EPOCH_S = HOUR_S
WARM_UP_GROWTH = 1.2
_log = structlog.get_logger()


def epoch_of(at_s: float) -> int:
    """Return the calibration epoch (an hour) that an instant falls into."""
    return int(at_s // EPOCH_S)


@dataclass(slots=True)
class Exchange:
    """What this worker knows of the topic: newest report of each partition, newest map."""

    settings: Settings
    writer: Callable[[], FencedWriter]
    stream_time: StreamTime
    parameters: Parameters
    model: str
    reports: dict[int, Report] = field(default_factory=dict)
    newest: PublishedMap | None = None
    _basis: int = 0
    _sent: dict[int, Report] = field(default_factory=dict)

    def learn(self, key: bytes, value: bytes) -> None:
        """Take in one record of the topic; an older map than the newest changes nothing."""
        if key == MAP_KEY:
            found = decode_map(value)
            if self.newest is None or found.version > self.newest.version:
                self.newest = found
        else:
            report = decode_report(value)
            self.reports[report.partition] = report
            self.stream_time.advance(report.as_of / 1000)

    async def report(self, report: Report) -> None:
        """Publish a partition's report unless it says what the last one said."""
        if self._sent.get(report.partition) != report:
            await self._append(report_key(report.partition), encode_report(report))
            self._sent[report.partition] = report

    def forget(self, owned: Sequence[int]) -> None:
        """Forget what was sent for partitions that are no longer `owned`: they must report anew when they return."""
        for partition in [p for p in self._sent if p not in owned]:
            del self._sent[partition]

    async def merge(self) -> None:
        """Publish a new map when one is due; called by the owner of partition 0 only."""
        due = self._due()
        if due is not None:
            await self._append(MAP_KEY, encode_map(due))
            _log.info("calibrated", version=due.version, users=due.map.users, warm_up=due.warm_up)

    def _due(self) -> PublishedMap | None:
        """Return the next map, or None while none is due.

        In warm-up, until stream time has left the first epoch, when the sketches have changed much or have come
        to rest; later once an epoch, when every partition has reported from it.
        """
        reports = list(self.reports.values())
        if len(reports) < self.settings.partitions or not any(r.users for r in reports):
            return None
        epoch = min(epoch_of(r.as_of / 1000) for r in reports)
        basis = basis_of(reports)
        last = self.newest
        if last is not None and (epoch < last.map.epoch or (epoch == last.map.epoch and not last.warm_up)):
            return None
        warm_up = last is None or (last.warm_up and epoch == last.map.epoch)
        if last is not None and warm_up and not self._is_worth_a_map(last, basis, reports):
            return None
        version = 1 if last is None else last.version + 1
        return PublishedMap(version, warm_up, basis, self._merged(reports, epoch))

    def _is_worth_a_map(self, last: PublishedMap, basis: int, reports: list[Report]) -> bool:
        """Whether the population of the first hour has changed so much, or come to rest, that all are scored anew.

        A new map changes everybody's score: made at every change it would cost more than the events themselves.
        """
        rests, self._basis = basis == self._basis, basis
        grown = sum(r.users for r in reports) >= WARM_UP_GROWTH * last.map.users
        return basis != last.basis and (rests or grown)

    def _merged(self, reports: list[Report], epoch: int) -> CalibrationMap:
        floor = self.parameters.unscored_raw
        influence = merged((r.influence for r in reports), floor)
        relationships = merged((r.relationships for r in reports), floor)
        as_of = max(r.as_of for r in reports) / 1000
        return calibrated(influence, relationships, epoch=epoch, as_of=as_of, model=self.model)

    async def _append(self, key: bytes, value: bytes) -> None:
        await self.writer().append_open(self.settings.topics.calibration.name, 0, [(key, value, [])], lane=LANE)
