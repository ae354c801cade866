"""Each event is counted exactly once, whatever happens to the workers."""

from __future__ import annotations

import random
import signal
import time

import pytest

from streams.engine.crashpoints import EXIT_CODE, WORKER
from streams.engine.failure import EX_TEMPFAIL
from streams.engine.layout import META
from tests.integration.engine.workers import SLOW, Worker, pipeline, until

pytestmark = pytest.mark.integration
AT_START = frozenset({"claiming", "claimed", "restoring", "recovered"})
SMALL_BATCHES = {"BATCH_BYTES": "20000"}
"""A barrier then needs several batches for a partition."""


def test_kills_at_any_moment_count_every_event_once(kafka_bootstrap: str, own_prefix: str) -> None:
    """A killed worker leaves nothing half done: its successor repeats what was not durable and only that."""
    moments = random.Random(11)
    with pipeline(kafka_bootstrap, f"{own_prefix}-kill", 40_000) as topics:
        for _ in range(4):
            worker = topics.start(**SLOW, SESSION_S="1")
            until(lambda worker=worker: worker.events > 0)
            time.sleep(moments.uniform(0.1, 0.9))
            worker.kill()
        topics.start()
        topics.wait_committed()
        topics.assert_exact()


@pytest.mark.parametrize("point", WORKER)
def test_death_at_a_named_point_loses_and_doubles_nothing(kafka_bootstrap: str, own_prefix: str, point: str) -> None:
    """Between any two steps of the protocol the log must be enough to go on from."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-{point}", 20_000) as topics:
        if point in AT_START:
            before = topics.start(**SLOW, SESSION_S="2")
            until(lambda: before.events > 4_000)
            before.kill()
        nth = 2 if point in AT_START - {"claimed", "recovered"} else 1 if point in AT_START else 5
        first = topics.start(**SLOW, **SMALL_BATCHES, RENOWN_CRASH_POINT=f"{point}:{nth}", SESSION_S="2")
        assert first.ended() == EXIT_CODE
        assert topics.committed() < topics.sent
        topics.start()
        topics.wait_committed()
        topics.assert_exact()


def test_workers_that_come_and_go_count_every_event_once(kafka_bootstrap: str, own_prefix: str) -> None:
    """Each join and leave moves partitions; nothing on its way may be lost or repeated."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-churn", 60_000) as topics:
        stays = topics.start(**SLOW, SESSION_S="3")
        until(lambda: stays.events > 1000)
        for number in range(3):
            guest = topics.start(**SLOW, SESSION_S="3", STANDBYS="1")
            until(lambda guest=guest: guest.owned > 0)
            time.sleep(1.5)
            if number % 2:
                guest.kill()
            else:
                guest.send(signal.SIGTERM)
                assert guest.ended() == 0
        topics.wait_committed()
        topics.assert_exact()
        assert stays.process.poll() is None


@pytest.mark.parametrize("heir_works", [True, False])
def test_a_paused_owner_cannot_write_again(kafka_bootstrap: str, own_prefix: str, *, heir_works: bool) -> None:
    """A worker stopped past its session wakes up with unsaved changes; the broker must refuse them."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-zombie", 40_000) as topics:
        zombie = topics.start(**{**SLOW, "COMMIT_S": "2.5"}, SESSION_S="3")
        until(lambda: zombie.events > 6_000)
        time.sleep(1.2)
        zombie.send(signal.SIGSTOP)
        heir = topics.start(SESSION_S="3")
        until(lambda: heir.events > 10_000)
        if not heir_works:
            topics.wait_committed()
        rows = [record for record in topics.records() if record[0][0] != META]
        zombie.send(signal.SIGCONT)
        assert zombie.ended() == EX_TEMPFAIL
        topics.wait_committed()
        topics.assert_exact()
        if not heir_works:
            assert [record for record in topics.records() if record[0][0] != META] == rows
        _ended_with_one_line(zombie)
        topics.send(5_000)
        topics.wait_committed()
        topics.assert_exact()


def _ended_with_one_line(worker: Worker) -> None:
    said = [line for line in worker.lines if "renown worker stopped" in line]
    assert len(said) == 1, worker.lines
    assert worker.lines[-1] == said[0]
    assert "another worker owns it now" in said[0]
    assert "Restart: this worker rejoins as a new one" in said[0]
    assert not [line for line in worker.lines if "Traceback" in line]


def test_a_standby_takes_over_without_reading_the_changelog_again(kafka_bootstrap: str, own_prefix: str) -> None:
    """A copy that was kept warm serves at once, and counts on exactly."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-standby", 40_000) as topics:
        first = topics.start(STANDBYS="1", SESSION_S="3")
        topics.wait_committed()
        second = topics.start(STANDBYS="1", SESSION_S="3")
        until(lambda: second.owned > 0)
        time.sleep(2)
        first.kill()
        until(lambda: second.owned == topics.partitions)
        topics.send(20_000)
        topics.wait_committed()
        topics.assert_exact()
