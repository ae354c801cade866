"""Asks every panel's query of a real Prometheus, while all is well and under three faults; exit 1 when one is empty."""

from __future__ import annotations

import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.operations.dashboards.files import DASHBOARDS
from streams.warm import warm
from tests.operations.live.prometheus import Prometheus
from tests.operations.live.watched import Watched, watched

WARM_UP_S: Final = 45.0
FAULT_S: Final = 15.0
SYMPTOM_LIMIT_S: Final = 60.0
WINDOW: Final = "15s"


@contextmanager
def _worker_killed(running: Watched) -> Iterator[str]:
    running.pipeline.kill("worker-1")
    yield 'ALERTS{alertname="RenownWorkerDown"}'
    running.start("worker-1", "renown-worker")


@contextmanager
def _redis_stopped(running: Watched) -> Iterator[str]:
    redis = running.state.redis
    assert redis is not None
    assert redis.process is not None
    os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        yield 'ALERTS{alertname="RenownRedisAway"}'
    finally:
        os.kill(redis.process.pid, signal.SIGCONT)


@contextmanager
def _kafka_stopped(running: Watched) -> Iterator[str]:
    kafka = running.state.kafka
    assert kafka is not None
    assert kafka.process is not None
    os.kill(kafka.process.pid, signal.SIGSTOP)
    try:
        yield 'renown_monitor_up{of="kafka"} == 0 or (sum(rate(renown_engagements_total[10s])) == 0)'
    finally:
        os.kill(kafka.process.pid, signal.SIGCONT)


FAULTS: Final[dict[str, Callable[[Watched], object]]] = {
    "a worker killed": _worker_killed,
    "Redis stopped": _redis_stopped,
    "Kafka stopped": _kafka_stopped,
}


def _empty(prometheus: Prometheus, *, all_is_well: bool) -> list[str]:
    """Return the panels of which a query finds nothing.

    During a fault a series without a number will do: while Redis is away no score gets readable that could be late.
    """

    def answers(query: str) -> bool:
        found = prometheus.values(query.replace("$__rate_interval", WINDOW))
        return any(not math.isnan(each) for each in found) if all_is_well else bool(found)

    return [
        f"{dashboard.uid}: {panel.title}: {query.expr}"
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for query in panel.queries
        if not answers(query.expr)
    ]


def _tell(when: str, empty: list[str], broken: list[str]) -> bool:
    asked = sum(len(panel.queries) for dashboard in DASHBOARDS for panel in dashboard.panels)
    sys.stdout.write(f"{when:<20} {asked - len(empty)} of {asked} queries return data, {len(broken)} rules broken\n")
    sys.stdout.writelines(f"  nothing: {each}\n" for each in empty)
    sys.stdout.writelines(f"  broken: {each}\n" for each in broken)
    sys.stdout.flush()
    return not empty and not broken


def _shows(prometheus: Prometheus, symptom: str) -> bool:
    until = time.monotonic() + SYMPTOM_LIMIT_S
    while time.monotonic() < until:
        if prometheus.values(symptom):
            return True
        time.sleep(0.5)
    sys.stdout.write(f"  never seen: {symptom}\n")
    return False


def _proved(prometheus: Prometheus, running: Watched) -> bool:
    time.sleep(WARM_UP_S)
    well = [_tell("well", _empty(prometheus, all_is_well=True), prometheus.broken_rules())]
    for name, fault in FAULTS.items():
        with fault(running) as symptom:  # type: ignore[attr-defined]
            well.append(_shows(prometheus, symptom))
            well.append(_tell(name, _empty(prometheus, all_is_well=False), prometheus.broken_rules()))
        time.sleep(FAULT_S)
    return all(well)


def main() -> None:
    """Run the proof with the Prometheus named on the command line."""
    warm()
    with tempfile.TemporaryDirectory() as place, watched(Path(place)) as running:
        prometheus = Prometheus(Path(sys.argv[1]), Path(place))
        try:
            prometheus.start(running.targets)
            sys.exit(0 if _proved(prometheus, running) else 1)
        finally:
            prometheus.stop()


if __name__ == "__main__":
    main()
