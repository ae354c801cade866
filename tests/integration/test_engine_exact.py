"""Each event is counted exactly once, whatever happens to the workers."""

from __future__ import annotations

import random
import signal
import time

import pytest

from streams.engine.crashpoints import EXIT_CODE, NAMES
from tests.integration.engine.workers import SLOW, pipeline, until

pytestmark = pytest.mark.integration


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


@pytest.mark.parametrize("point", sorted(NAMES))
def test_death_at_a_named_point_loses_and_doubles_nothing(kafka_bootstrap: str, own_prefix: str, point: str) -> None:
    """Between any two steps of the protocol the log must be enough to go on from."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-{point}", 20_000) as topics:
        nth = 5 if point.startswith(("step", "barrier")) else 1
        first = topics.start(**SLOW, RENOWN_CRASH_POINT=f"{point}:{nth}", SESSION_S="2")
        assert first.ended() == EXIT_CODE
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


def test_a_paused_owner_cannot_write_again(kafka_bootstrap: str, own_prefix: str) -> None:
    """A worker stopped past its session wakes up with unsaved changes; the broker must refuse them."""
    with pipeline(kafka_bootstrap, f"{own_prefix}-zombie", 40_000) as topics:
        zombie = topics.start(**{**SLOW, "COMMIT_S": "2.5"}, SESSION_S="3")
        until(lambda: zombie.events > 6_000)
        time.sleep(1.2)
        zombie.send(signal.SIGSTOP)
        heir = topics.start(SESSION_S="3")
        until(lambda: heir.events > 10_000)
        zombie.send(signal.SIGCONT)
        topics.wait_committed()
        topics.assert_exact()
        topics.send(5_000)
        topics.wait_committed()
        topics.assert_exact()


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
