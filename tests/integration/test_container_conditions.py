"""The image's three services under its conditions: user 10001, no rights, a root that cannot be written, PID 1."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.rig.pipeline import STOP_LIMIT_S, Pipeline, prepared
from agents.warm import warm
from deploy.local import ports
from deploy.local.state import StackState
from tests.containerfile import final_stage, health_check
from tests.events import START_MS
from tests.integration.container_root import Container, in_image, missing, start

pytestmark = pytest.mark.integration
READY_LIMIT_S = 90.0
KEYS = "/run/secrets/renown-keys"
ACTS = [
    {"id": f"c:{number}", "kind": "share", "actor": f"c:{number}", "target": "c:leader", "occurred_at": START_MS}
    for number in range(50)
]


class Services:
    """The services of one deployment, each in a container of its own."""

    def __init__(self, pipeline: Pipeline, key: str, keys: Path) -> None:
        self.pipeline, self.key, self.http, self.metrics = pipeline, key, ports.pick(), ports.pick()
        self.env = in_image() | {name: value for name, value in pipeline.env.items() if name.startswith("RENOWN_")}
        scoring = self.env | {"RENOWN_METRICS_PORT": str(self.metrics)}
        collect = ["collect", "http", "--host", "0.0.0.0", "--port", str(self.http)]  # noqa: S104 - a key is asked for
        self.running = {
            "worker": self._start("worker", final_stage()["CMD"].words(), self.env, {}),
            "scoring": self._start("scoring", ["scoring"], scoring, {}),
            "collect": self._start("collect", collect, self.env | {"RENOWN_API_KEYS_FILE": KEYS}, {KEYS: keys}),
        }

    def _start(self, name: str, words: list[str], env: dict[str, str], files: dict[str, Path]) -> Container:
        return start(self.pipeline.folder, name, words, env, files)

    def is_well(self, name: str) -> bool:
        """Run the service's health check inside its container."""
        told = {
            "worker": health_check()[-1],
            "scoring": f"http://127.0.0.1:{self.metrics}/metrics",
            "collect": f"http://127.0.0.1:{self.http}/health",
        }
        container = self.running[name]
        assert container.process.poll() is None, container.said()
        return container.run(*health_check()[:-1], told[name], env=self.env).returncode == 0

    def post(self, acts: list[dict[str, object]]) -> int:
        """Send engagements over HTTP and return the answer's status."""
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"http://127.0.0.1:{self.http}/v1/engagements"
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(acts).encode(), headers)) as answer:
            status: int = answer.status
        return status

    def stop(self, name: str) -> int:
        """Ask a service to end and return its exit code."""
        container = self.running[name]
        os.kill(container.pid, signal.SIGTERM)
        return container.process.wait(STOP_LIMIT_S)


def _until(condition: Callable[[], bool], services: Services) -> None:
    until = time.monotonic() + READY_LIMIT_S
    while not condition():
        assert time.monotonic() < until, [each.said() for each in services.running.values()]
        time.sleep(0.1)


@pytest.fixture
def services(stack: StackState, own_prefix: str, tmp_path: Path) -> Iterator[Services]:
    """Give the three services, started and well."""
    if (why := missing()) != "":
        pytest.skip(f"not tried: {why}")
    warm()
    pipeline = prepared(stack.bootstrap_servers, stack.redis_url, tmp_path, f"{own_prefix}-box", {"partitions": "2"})
    keys = tmp_path / "keys"
    pipeline.env["RENOWN_API_KEYS_FILE"] = str(keys)
    key = pipeline.renown("keys", "add", "sender").split()[-1]
    del pipeline.env["RENOWN_API_KEYS_FILE"]
    os.chown(keys, 0, int(final_stage()["USER"].rest.partition(":")[2]))
    keys.chmod(0o640)
    made = Services(pipeline, key, keys)
    try:
        for name in made.running:
            _until(lambda name=name: made.is_well(name), made)
        yield made
    finally:
        for container in made.running.values():
            container.end()


def _has_no_rights(container: Container) -> None:
    status, user = container.status(), final_stage()["USER"].rest.partition(":")[0]
    assert set(status["Uid"].split()) == {user}
    assert (status["Groups"], status["NoNewPrivs"]) == ("", "1")
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
    assert container.may_write() == {"/tmp"}


def test_services_score_without_rights_and_end_when_asked(services: Services) -> None:
    """What the image promises to a cluster that forbids root and writing; nothing is compiled at a start."""
    for container in services.running.values():
        _has_no_rights(container)
    assert services.post(ACTS) == 202
    services.pipeline.renown("drain", "--timeout", "60")
    assert json.loads(services.pipeline.renown("score", "c:leader", "--json"))["counts_7d"]["share"] == len(ACTS)
    written = {name: container.written() for name, container in services.running.items()}
    for name, container in services.running.items():
        kernels = {path for path in written[name] if path.parts[0].startswith("renown-kernels-")}
        assert [path for path in kernels if not (container.root / "tmp" / path).is_symlink()] == [], "compiled"
        assert {str(path) for path in written[name] - kernels} <= {"renown.ready"}
    codes = {name: services.stop(name) for name in services.running}
    assert codes == dict.fromkeys(services.running, 0), [each.said() for each in services.running.values()]
    assert _members(services.pipeline) == 0
    assert _uncommitted(services.pipeline) == 0


def _members(pipeline: Pipeline) -> int:
    """Return how many the broker still counts to the workers' group: who has left, others need not wait for."""
    admin = AdminClient({"bootstrap.servers": pipeline.settings.bootstrap})
    group = pipeline.settings.topics.app_id
    return len(admin.describe_consumer_groups([group])[group].result(20).members)


def _uncommitted(pipeline: Pipeline) -> int:
    """Return how many engagements a next worker would read again."""
    settings = pipeline.settings
    topic, group = settings.topics.engagements.name, settings.topics.app_id
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": group})
    committed = consumer.committed(places, 20)
    ends = [consumer.get_watermark_offsets(place, 20)[1] for place in places]
    consumer.close()
    return sum(end - max(place.offset, 0) for place, end in zip(committed, ends, strict=True))
