"""When a calibration map is made: anew during warm-up, then once an hour of stream time, by everybody's sketches."""

from __future__ import annotations

from schemas.calibration import Histogram
from schemas.published_map import decode_map
from schemas.report import Report, decode_report, encode_report
from streams.model.parameters import PROFILES
from streams.settings import Settings
from streams.stages.exchange import EPOCH_S, Exchange
from streams.stages.stream_time import StreamTime

FLOOR = PROFILES["default"].unscored_raw


class Log:
    """Keeps what is appended; stands in for the writer."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []

    async def append_open(
        self, _topic: str, _partition: int, records: list[tuple[bytes, bytes, object]], lane: str
    ) -> int:
        """Keep the records."""
        assert lane
        self.records += [(key, value) for key, value, _ in records]
        return len(self.records)


def report(partition: int, hour: float, users: int) -> Report:
    sketch = Histogram(FLOOR, (200,), (users,)) if users else Histogram(FLOOR)
    return Report(partition, round(hour * EPOCH_S * 1000), users, sketch, sketch, 0, 0, 0)


def exchange() -> tuple[Exchange, Log]:
    log = Log()
    settings = Settings(partitions=2)
    return Exchange(settings, lambda: log, StreamTime(), PROFILES["default"], "default@x"), log  # type: ignore[arg-type, return-value]


async def merged(e: Exchange, log: Log, *reports: Report) -> int:
    """Let `e` learn the reports and merge; return how many maps there are now, after learning them too."""
    for one in reports:
        e.learn(b"report:%d" % one.partition, encode_report(one))
    await e.merge()
    for key, value in log.records:
        e.learn(key, value)
    return len(log.records)


async def test_no_map_before_every_partition_has_reported() -> None:
    """A map of part of the people would lift the rest."""
    e, log = exchange()
    assert await merged(e, log, report(0, 5.5, 10)) == 0
    assert await merged(e, log, report(1, 5.5, 10)) == 1


async def test_in_warm_up_a_map_is_made_anew_when_the_people_have_grown_by_a_fifth() -> None:
    """The first hour's population grows from nothing: its first map must not stay."""
    e, log = exchange()
    await merged(e, log, report(0, 5.1, 10), report(1, 5.1, 10))
    assert await merged(e, log, report(0, 5.2, 13)) == 1
    assert await merged(e, log, report(0, 5.3, 14)) == 2
    assert e.newest is not None
    assert (e.newest.version, e.newest.warm_up, e.newest.map.users) == (2, True, 24)


async def test_in_warm_up_the_last_map_is_that_of_the_sketches_at_rest() -> None:
    """Whatever was skipped on the way, scores end where the whole population says."""
    e, log = exchange()
    await merged(e, log, report(0, 5.1, 10), report(1, 5.1, 10))
    assert await merged(e, log, report(0, 5.2, 11)) == 1
    assert await merged(e, log) == 2
    assert e.newest is not None
    assert e.newest.map.users == 21
    assert await merged(e, log) == 2


async def test_later_one_map_an_hour_once_everybody_has_reported_from_it() -> None:
    """One map an epoch is what makes scores comparable within it."""
    e, log = exchange()
    await merged(e, log, report(0, 5.1, 10), report(1, 5.1, 10))
    assert await merged(e, log, report(0, 6.1, 12)) == 1
    assert await merged(e, log, report(1, 6.1, 12)) == 2
    assert e.newest is not None
    assert not e.newest.warm_up
    assert await merged(e, log, report(0, 6.9, 99)) == 2
    assert decode_map(log.records[-1][1]).map.users == 24


async def test_stream_time_is_the_greatest_that_anybody_reported() -> None:
    """All partitions are scored at one instant."""
    e, _ = exchange()
    e.learn(b"report:0", encode_report(report(0, 7.0, 1)))
    e.learn(b"report:1", encode_report(report(1, 6.0, 1)))
    assert e.stream_time.now_s == 7.0 * EPOCH_S
    assert decode_report(encode_report(report(1, 6.0, 1))) == report(1, 6.0, 1)
