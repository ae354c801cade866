"""The broker and the Redis servers that faults are tried on: killed, and started again on their ports and data."""

from __future__ import annotations

import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, TypeVar

from agents.faults.smalldisk import mount, unmount
from deploy.local.kafka import KafkaServer
from deploy.local.process import is_alive, wait_gone
from deploy.local.progress import Report
from deploy.local.redis import RedisServer
from deploy.local.state import KafkaState, RedisState

GONE_LIMIT_S: Final = 20.0


StateT = TypeVar("StateT", KafkaState, RedisState)


@dataclass
class Server(ABC, Generic[StateT]):
    """A server in `folder` that can be killed and started again on its port and data."""

    folder: Path
    report: Report
    state: StateT | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it, or start it again on its port and data."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it for good."""

    @property
    def port(self) -> int:
        """Its port."""
        return self.state.port if self.state else 0

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self.state is not None and self.state.process is not None:
            os.kill(self.state.process.pid, number)

    def kill(self) -> None:
        """Kill it, return when it is gone."""
        self.signal(signal.SIGKILL)
        if self.state is not None and self.state.process is not None:
            wait_gone(self.state.process, GONE_LIMIT_S)

    def lives(self) -> bool:
        """Return whether it runs."""
        return self.state is not None and is_alive(self.state.process)

    def _remember(self, state: StateT) -> None:
        self.state = state


class Broker(Server[KafkaState]):
    """One Kafka node."""

    @property
    def bootstrap(self) -> str:
        """Its address."""
        return f"127.0.0.1:{self.port}" if self.state else ""

    def start(self) -> None:
        """Start it, or start it again on its port and data."""
        self.state = KafkaServer(self.folder, self.report).start(self.state, self._remember)

    def stop(self) -> None:
        """Stop it for good, also when it stands still."""
        if self.state is not None:
            self.signal(signal.SIGCONT)
            self.state = KafkaServer(self.folder, self.report).stop(self.state)


class Store(Server[RedisState]):
    """One Redis server."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, or start it again on its port and data."""
        self.state = RedisServer(self.folder, self.report).start(self.state, self._remember)

    def empty(self) -> None:
        """Throw away what a dead server has kept on disk."""
        shutil.rmtree(self.folder / "redis", ignore_errors=True)

    def stop(self) -> None:
        """Stop it for good."""
        if self.state is not None:
            self.state = RedisServer(self.folder, self.report).stop(self.state)


@dataclass
class Bed:
    """Where a suite runs: a folder of its own, one broker that all share unless a fault harms it."""

    folder: Path
    report: Report
    made: list[Broker | Store] = field(default_factory=list)
    shared: Broker | None = None
    scenes: int = 0

    def broker(self, *, own: bool = False, disk_mb: int = 0) -> Broker:
        """Return the shared broker, running, or a new one; with `disk_mb` on a small disk that can be filled."""
        if not own and self.shared is not None:
            return self.shared
        broker = Broker(self._place("kafka", disk_mb), self.report)
        self.made.append(broker)
        broker.start()
        if not own:
            self.shared = broker
        return broker

    def store(self, *, disk_mb: int = 0) -> Store:
        """Return a new Redis, running; with `disk_mb` on a small disk that can be filled."""
        store = Store(self._place("redis", disk_mb), self.report)
        self.made.append(store)
        store.start()
        return store

    def drop(self, part: Broker | Store) -> None:
        """Stop a part for good."""
        part.stop()
        self.made.remove(part)
        unmount(part.folder)
        if part is self.shared:
            self.shared = None

    def close(self) -> None:
        """Stop all parts."""
        for part in list(self.made):
            self.drop(part)

    def _place(self, kind: str, disk_mb: int) -> Path:
        place = self.folder / f"{kind}-{time.monotonic_ns()}"
        place.mkdir(parents=True)
        if disk_mb:
            mount(place, disk_mb)
        return place
