"""A whole pipeline whose every process exports metrics, under load."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.rig.pipeline import Pipeline, prepared
from deploy.local import ports
from deploy.local.services import command
from deploy.local.stack import Stack
from deploy.local.state import StackState

PARTITIONS: Final = 4
RATE: Final = 300
POST_EVERY_S: Final = 0.25


@dataclass(slots=True)
class Watched:
    """The pipeline, the ports by job that Prometheus reads, and the servers below."""

    pipeline: Pipeline
    state: StackState
    http_port: int = 0
    web_port: int = 0
    targets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    bad_share: int = 20
    """One item of so many is refused."""
    _ports: dict[str, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str, job: str, *words: str) -> None:
        """Start a process that exports metrics, again on the same port when it ran before."""
        port = self._ports.setdefault(name, self._free())
        if port not in self.targets[job]:
            self.targets[job].append(port)
        if words:
            with self.pipeline.log_file(name).open("ab") as log:
                env = {**self.pipeline.env, "RENOWN_METRICS_PORT": str(port)}
                started = subprocess.Popen(command(*words), env=env, stdout=log, stderr=log, start_new_session=True)
            self.pipeline.processes[name] = started
        else:
            self.pipeline.start(name, also={"RENOWN_METRICS_PORT": str(port)})

    def start_all(self) -> None:
        """Start every kind of process, and the load."""
        for number in range(2):
            self.start(f"worker-{number}", "renown-worker")
        self.start("scoring", "renown-scoring")
        self.start("monitor", "renown-monitor", "monitor", "--every", "1")
        self.start("world", "renown-collect", "collect", "world", "--rate", str(RATE))
        self.http_port = self._free()
        self.start("http", "renown-http", "collect", "http", "--port", str(self.http_port))
        self.targets["renown-http"] = [self.http_port]
        self.web_port = self._free()
        self.start("web", "renown-web", "serve", "--port", str(self.web_port))
        self.targets["renown-web"] = [self.web_port]
        for number in range(2):
            self.pipeline.wait_ready(f"worker-{number}")
        for load in (self._post, self._read):
            threading.Thread(target=load, daemon=True).start()

    def stop(self) -> None:
        """Stop the load and every process."""
        self._stop.set()
        self.pipeline.stop()

    def _free(self) -> int:
        return ports.pick(frozenset(self._ports.values()))

    def _post(self) -> None:
        number = 0
        while not self._stop.wait(POST_EVERY_S):
            acts = [self._act(number + each) for each in range(40)]
            number += len(acts)
            body = b"no json" if number % 400 == 0 else json.dumps(acts).encode()
            _ask(f"http://127.0.0.1:{self.http_port}/v1/engagements", body)

    def _read(self) -> None:
        while not self._stop.wait(POST_EVERY_S):
            _ask(f"http://127.0.0.1:{self.web_port}/v1/top")

    def _act(self, number: int) -> dict[str, object]:
        kind = "praise" if number % self.bad_share == 0 else "like"
        actor, target = f"x:{number % 97}", f"x:{number % 89 + 100}"
        return {
            "id": f"p:{number}",
            "kind": kind,
            "actor": actor,
            "target": target,
            "occurred_at": int(time.time() * 1000),
        }


def _ask(url: str, body: bytes | None = None) -> None:
    """Send a request; during a fault it may well be refused."""
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, body, 30):  # noqa: S310 - ours
        pass


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Give a running pipeline on a Kafka and a Redis of its own."""
    local = Stack(folder / "stack")
    state = local.up(workers=0, partitions=PARTITIONS)
    try:
        settings = {"partitions": str(PARTITIONS), "session_timeout_s": "5"}
        pipeline = prepared(state.bootstrap_servers, state.redis_url, folder, "watched", settings)
        running = Watched(pipeline, state)
        try:
            running.start_all()
            yield running
        finally:
            running.stop()
    finally:
        local.down()
