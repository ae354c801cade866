"""The broker as a child process: formatted once, started, waited for, stopped, started again on its data."""

from __future__ import annotations

import base64
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy.local import jars, java, kafka_config, ports, process, wire
from deploy.local.errors import PartFailedError
from deploy.local.lockfile import kafka_version, locked_jars
from deploy.local.state import KafkaState

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.progress import Report

START_LIMIT_S = 90.0
STOP_LIMIT_S = 20.0
POLL_S = 0.05
ATTEMPTS = 3

Remember = Callable[[KafkaState], None]


@dataclass(frozen=True, slots=True)
class KafkaServer:
    """One node in `<data>/kafka`, its log in `<data>/logs/kafka.log`."""

    data_dir: Path
    report: Report
    secured: kafka_config.Secured | None = None

    @property
    def log(self) -> Path:
        """Where the broker writes what it has to say."""
        return self.data_dir / "logs" / "kafka.log"

    @property
    def home(self) -> Path:
        """Where settings and topics are kept."""
        return self.data_dir / "kafka"

    def start(self, before: KafkaState | None, remember: Remember) -> KafkaState:
        """Return the broker, running and answering; on its ports from before when nobody else took them.

        `remember` is told of the process before it answers: a set-up cut short loses sight of nothing.
        """
        if before is not None and self.healthy(before):
            return before
        if before is not None:
            process.stop(before.process, STOP_LIMIT_S)
        classpath = os.pathsep.join(str(path) for path in jars.ensure(self.report))
        for _ in range(ATTEMPTS):
            state = self._placed(before)
            started = self._launch(state, classpath, remember)
            if started is not None:
                return started
            before = replace(state, port=0, controller_port=0)
        raise self._failed("Kafka found no port to listen on")

    def stop(self, state: KafkaState) -> KafkaState:
        """Return the broker's state once it has ended."""
        process.stop(state.process, STOP_LIMIT_S)
        return replace(state, process=None)

    def healthy(self, state: KafkaState) -> bool:
        """Whether this very broker runs and answers as its own cluster."""
        return process.is_alive(state.process) and wire.cluster_id(state.port) == state.cluster_id

    def _placed(self, before: KafkaState | None) -> KafkaState:
        """Ports chosen and settings written."""
        port = ports.keep_or_pick(before.port if before else None)
        controller_port = ports.keep_or_pick(before.controller_port if before else None, frozenset({port}))
        cluster = before.cluster_id if before else new_cluster_id()
        self.home.mkdir(parents=True, exist_ok=True)
        text = kafka_config.properties(port, controller_port, self.home / "topics", self.secured)
        (self.home / "server.properties").write_text(text, encoding="ascii")
        (self.home / "log4j2.properties").write_text(kafka_config.LOG4J, encoding="ascii")
        return KafkaState(port, controller_port, cluster, kafka_version(locked_jars()))

    def _launch(self, state: KafkaState, classpath: str, remember: Remember) -> KafkaState | None:
        """Return the started broker; None when somebody took its port between the choice and the start."""
        settings = str(self.home / "server.properties")
        log4j = f"-Dlog4j2.configurationFile={self.home / 'log4j2.properties'}"
        base = [str(java.find()), *kafka_config.JVM_OPTIONS, log4j, "-cp", classpath]
        if not (self.home / "topics" / "meta.properties").exists():
            self._format([*base, "kafka.tools.StorageTool"], settings, state.cluster_id)
        running = replace(state, process=process.start([*base, "kafka.Kafka", settings], self.log))
        remember(running)
        if self._answers(running):
            return running
        if not (ports.is_free(state.port) and ports.is_free(state.controller_port)):
            return None
        raise self._failed("Kafka did not start")

    def _format(self, tool: list[str], settings: str, cluster: str) -> None:
        """Prepare the empty storage folder, which a broker asks for once."""
        command = [*tool, "format", "--ignore-formatted", "-t", cluster, "-c", settings]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            remedy = "check free space and rights of the data folder"
            said = lines[-1] if lines else ""
            raise PartFailedError("Kafka's storage could not be formatted", said, remedy)

    def _answers(self, state: KafkaState) -> bool:
        """Whether the broker serves before it ends or the limit passes."""
        deadline = time.monotonic() + START_LIMIT_S
        while process.is_alive(state.process) and time.monotonic() < deadline:
            if self.healthy(state):
                return True
            time.sleep(POLL_S)
        process.stop(state.process, STOP_LIMIT_S)
        return False

    def _failed(self, what: str) -> PartFailedError:
        remedy = f"read {self.log}, then run `renown up` again"
        return PartFailedError(what, process.last_words(self.log), remedy)


def new_cluster_id() -> str:
    """Return a fresh id in the form that Kafka takes, not starting with the sign of an option."""
    while (found := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return found
