"""The broker's settings: one small node on 127.0.0.1 that gives the same answers as a large cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.local.ports import HOST

if TYPE_CHECKING:
    from pathlib import Path

JVM_OPTIONS = (
    "-Xms96m",
    "-Xmx256m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Xss512k",
    "-XX:ReservedCodeCacheSize=48m",
    "-Djava.awt.headless=true",
)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "auto.create.topics.enable": "false",
    "message.max.bytes": str(16 << 20),
    "replica.fetch.max.bytes": str(16 << 20),
    "min.insync.replicas": "1",
    "default.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Workers that come or go are noticed at once, not after the defaults meant for large clusters.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A killed broker's registration stays valid for one session, and the next start has to outwait it.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "initial.broker.registration.timeout.ms": "60000",
    "log.segment.bytes": str(64 << 20),
    "log.index.size.max.bytes": str(1 << 20),
    "log.cleaner.enable": "true",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
}

LOG4J = """\
status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


@dataclass(frozen=True, slots=True)
class Secured:
    """Further listeners beside the plain one, name to (protocol, port), and the settings that they need."""

    listeners: Mapping[str, tuple[str, int]]
    settings: Mapping[str, str]

    def placed(self, plain: Mapping[str, str]) -> dict[str, str]:
        """Return the settings with these listeners added to the plain ones."""
        also = "".join(f",{name}://{HOST}:{port}" for name, (_, port) in self.listeners.items())
        protocols = "".join(f",{name}:{protocol}" for name, (protocol, _) in self.listeners.items())
        return {
            **self.settings,
            "listeners": plain["listeners"] + also,
            "advertised.listeners": plain["advertised.listeners"] + also,
            "listener.security.protocol.map": SETTINGS["listener.security.protocol.map"] + protocols,
        }


def properties(port: int, controller_port: int, log_dir: Path, secured: Secured | None = None) -> str:
    """Return the text of `server.properties`."""
    placed = {
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "log.dirs": _escaped(str(log_dir)),
    }
    return "".join(
        f"{name}={value}\n"
        for name, value in {**SETTINGS, **placed, **(secured.placed(placed) if secured else {})}.items()
    )


def _escaped(path: str) -> str:
    """Return a path as a Java properties file spells it: backslashes doubled, other letters escaped."""
    doubled = path.replace("\\", "\\\\")
    return "".join(char if char.isascii() else f"\\u{ord(char):04x}" for char in doubled)
