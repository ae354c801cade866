"""`renown monitor` and `renown doctor` on a real pipeline: while it is well, and while its worker is dead."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import ports
from deploy.local.services import command
from deploy.local.state import StackState
from schemas.credit import decode_credits
from tests.events import engagements, write
from tests.integration.pipeline import Pipeline, pipeline

pytestmark = pytest.mark.integration
LIMIT_S = 60.0
USERS, ACTS = 150, 400
SETTINGS = {"partitions": "2", "profile": "burst", "commit_interval_s": "0.2", "session_timeout_s": "6"}


class Watching:
    """A pipeline and the monitor that looks at it."""

    def __init__(self, running: Pipeline) -> None:
        self.running = running
        self.port = self.start("monitor")

    def start(self, name: str) -> int:
        """Start a monitor and return its port."""
        port = ports.pick()
        words = command("monitor", "--metrics-port", str(port), "--every", "0.5")
        with self.running.log_file(name).open("ab") as log:
            started = subprocess.Popen(words, env=self.running.env, stdout=log, stderr=log)
        self.running.processes[name] = started
        return port

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of a metric now, of the series that have these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return [sample.value for sample in samples if labels.items() <= sample.labels.items()]

    def until(self, holds: Callable[[], bool]) -> None:
        """Return once `holds`."""
        until = time.monotonic() + LIMIT_S
        while not self._holds(holds):
            assert time.monotonic() < until, self.running.log("monitor")
            time.sleep(0.2)

    def _holds(self, holds: Callable[[], bool]) -> bool:
        try:
            return holds()
        except OSError:
            return False

    def doctor(self, **env: str) -> tuple[int, dict[str, dict[str, object]]]:
        """Return the doctor's exit code and findings by check."""
        own = self.running.env | env
        done = subprocess.run(command("doctor", "--json"), env=own, capture_output=True, text=True, check=False)
        return done.returncode, {finding["check"]: finding for finding in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def watching(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """Give a pipeline that has scored a few hundred acts, and its monitor."""
    folder = tmp_path_factory.mktemp("watched")
    with pipeline(stack, folder, "watching", workers=1, **SETTINGS) as running:
        made = Watching(running)
        _send(made, folder, 1)
        running.renown("drain", "--timeout", "60")
        yield made


def _send(watching: Watching, folder: Path, seed: int) -> None:
    path = folder / f"acts-{seed}.jsonl"
    write(path, engagements(ACTS, USERS, seed))
    watching.running.renown("ingest", str(path), "--format", "jsonl")


def test_the_monitor_sees_a_pipeline_that_is_well(watching: Watching) -> None:
    """No lag, everybody counted, a spread of scores that adds up."""
    watching.until(lambda: watching.values("renown_monitor_looks_total", of="redis")[0] > 1)
    watching.until(lambda: watching.values("renown_ranked_users")[0] > 0)
    watching.until(lambda: sum(watching.values("renown_lag_records")) == 0)
    assert watching.values("renown_lag_seconds") == [0.0] * 6
    known = len(watching.running.counts())
    assert 0 < watching.values("renown_population_users")[0] <= known
    assert 0 < watching.values("renown_ranked_users")[0] <= known
    assert sum(watching.values("renown_shown_score_band_ratio")) == pytest.approx(1.0)
    low, high = (watching.values("renown_shown_score", percentile=each)[0] for each in ("5", "99"))
    assert 1.0 <= low < high <= 100.0
    assert watching.values("renown_provisional_ratio") == [1.0]
    ten, hundred = (watching.values("renown_leaders_mass_ratio", first=each)[0] for each in ("10", "100"))
    assert 0 < ten < hundred <= 1


def test_the_doctor_finds_nothing_wrong_with_it(watching: Watching) -> None:
    """Every check is made, and each says what it saw."""
    code, found = watching.doctor()
    wrong = {name: each for name, each in found.items() if not each["well"]}
    assert set(wrong) <= {"kernels"}, wrong
    assert code == bool(wrong)
    assert {"kafka", "rights of auditor", "topics", "calibration", "lag of actor", "redis", "clock"} <= set(found)
    assert all(each["detail"] for each in found.values())


def test_an_engagement_is_followed_from_its_record_to_redis(watching: Watching) -> None:
    """Each step is told with its place; one that nobody sent is told apart."""
    running, act = watching.running, engagements(ACTS, USERS, 1)[7]
    marks = json.loads(running.renown("trace", str(act["id"]), "--hours", "0.5", "--json"))
    assert [mark["step"] for mark in marks] == ["sent", "weighed", "scored", "readable"]
    topics = running.settings.topics
    for mark, topic in zip(marks, (topics.engagements, topics.credits, topics.scores), strict=False):
        assert mark["place"].startswith(f"{topic.name}/")
    assert marks[3]["place"].endswith(str(act["target"]))
    assert [mark["at_ms"] for mark in marks[:3]] == sorted(mark["at_ms"] for mark in marks[:3])
    sent, weighed = (_place(mark["place"]) for mark in marks[:2])
    granted = decode_credits(_value(running, weighed))
    assert granted.source == sent.partition
    assert sent.offset - granted.first in granted.events["offset_delta"]
    assert json.loads(_value(running, sent))["id"] == act["id"]
    assert running.renown("trace", "nobody:sent:this", "--hours", "0.5", check=False) == ""


def _place(text: str) -> TopicPartition:
    topic, partition, offset = re.fullmatch(r"(.+)/(\d+)@(\d+)", text).groups()  # type: ignore[union-attr]
    return TopicPartition(topic, int(partition), int(offset))


def _value(running: Pipeline, place: TopicPartition) -> bytes:
    """Return the record at a place, read with a foreign client."""
    consumer = Consumer({"bootstrap.servers": running.settings.bootstrap, "group.id": "w", "enable.auto.commit": False})
    consumer.assign([place])
    (record,) = consumer.consume(1, timeout=20)
    consumer.close()
    return bytes(record.value())


@pytest.mark.parametrize(
    ("setting", "value", "check", "told"),
    [
        ("RENOWN_BOOTSTRAP", "127.0.0.1:1", "kafka", "RENOWN_BOOTSTRAP"),
        ("RENOWN_REDIS_URL", "redis://127.0.0.1:1/0", "redis", "RENOWN_REDIS_URL"),
        ("RENOWN_PREFIX", "nowhere", "topic nowhere.engagements.v1", "topics apply"),
        ("RENOWN_PARTITIONS", "3", "topic watching.engagements.v1", ""),
    ],
)
def test_the_doctor_names_what_is_wrong_and_what_to_do(
    watching: Watching, setting: str, value: str, check: str, told: str
) -> None:
    """One fault each; what can still be looked at is looked at."""
    code, found = watching.doctor(**{setting: value})
    assert code == 1
    assert not found[check]["well"]
    assert told in str(found[check]["remedy"])
    other = "redis" if check != "redis" else "kafka"
    assert found[other]["well"]


def test_the_monitor_sees_what_waits_while_the_worker_is_dead(watching: Watching, tmp_path: Path) -> None:
    """Nobody but it could: the worker's own metrics are gone with it."""
    watching.until(lambda: sum(watching.values("renown_lag_records")) == 0)
    watching.running.kill("worker-0", signal.SIGKILL)
    _send(watching, tmp_path, 2)
    watching.until(lambda: sum(watching.values("renown_lag_records", stage="actor")) == ACTS)
    before = max(watching.values("renown_lag_seconds", stage="actor"))
    watching.until(lambda: max(watching.values("renown_lag_seconds", stage="actor")) > before + 1)
    assert sum(watching.values("renown_lag_records", stage="scoring")) == 0
    assert watching.values("renown_monitor_up") == [1.0, 1.0]
    watching.running.start("worker-0")
    watching.running.wait_ready("worker-0")
    watching.running.renown("drain", "--timeout", "60")
    watching.until(lambda: sum(watching.values("renown_lag_records")) == 0)


def test_a_monitor_ends_when_asked(watching: Watching) -> None:
    """At once, also while it looks."""
    watching.start("other")
    watching.until(lambda: "monitor: metrics on" in watching.running.log("other"))
    assert watching.running.kill("other", signal.SIGTERM) == 0
