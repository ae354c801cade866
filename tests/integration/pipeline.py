"""A whole pipeline of its own on the shared real broker: own topics, own workers, own Redis keys."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.state import StackState
from streams.settings import Settings, load

RENOWN = (sys.executable, "-m", "agents.cli.main")
STOP_LIMIT_S = 40


@dataclass
class Pipeline:
    """Workers and the scoring agent as processes; `folder` takes their logs and ready files."""

    settings: Settings
    env: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *, also: dict[str, str] | None = None) -> None:
        """Start `worker-N` or `scoring`; a worker keeps its name in the group over restarts."""
        command = "worker" if name.startswith("worker") else "scoring"
        env = {**self.env, **(also or {})}
        if command == "worker":
            self.ready_file(name).unlink(missing_ok=True)
            env |= {"RENOWN_MEMBER_NAME": name, "RENOWN_READY_FILE": str(self.ready_file(name))}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([*RENOWN, command], env=env, stdout=log, stderr=log)

    def ready_file(self, name: str) -> Path:
        """Return where a worker says that it is ready."""
        return self.folder / f"{name}.ready"

    def wait_ready(self, name: str, limit_s: float = 90) -> None:
        """Return when the worker scores."""
        until = time.monotonic() + limit_s
        while not self.ready_file(name).exists():
            assert self.processes[name].poll() is None, self.log(name)
            assert time.monotonic() < until, self.log(name)
            time.sleep(0.05)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal and wait for the end."""
        self.processes[name].send_signal(number)
        self.processes[name].wait(STOP_LIMIT_S)

    def log(self, name: str) -> str:
        """Return what the process has said."""
        return (self.folder / f"{name}.log").read_text()

    def renown(self, *arguments: str, check: bool = True) -> str:
        """Run a command against this pipeline and return its standard output."""
        done = subprocess.run([*RENOWN, *arguments], env=self.env, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def counts(self) -> dict[str, dict[str, object]]:
        """Return the audit of the tables by user."""
        lines = map(json.loads, self.renown("counts").splitlines())
        return {line["user"]: line for line in lines}

    def stop(self) -> None:
        """Stop every process, the gentle way first."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def pipeline(stack: StackState, folder: Path, prefix: str, *, workers: int, **settings: str) -> Iterator[Pipeline]:
    """Yield a running pipeline whose topics exist and whose workers are ready."""
    own = {
        "RENOWN_BOOTSTRAP": stack.bootstrap_servers,
        "RENOWN_REDIS_URL": stack.redis_url,
        "RENOWN_PREFIX": prefix,
        "RENOWN_REDIS_PREFIX": prefix,
        "RENOWN_DATA": str(folder / "no-stack-here"),
        **{f"RENOWN_{name.upper()}": value for name, value in settings.items()},
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")} | own
    running = Pipeline(load({k: v for k, v in own.items() if k != "RENOWN_DATA"}), env, folder)
    running.renown("topics", "apply")
    names = [f"worker-{number}" for number in range(workers)]
    try:
        for name in [*names, "scoring"]:
            running.start(name)
        for name in names:
            running.wait_ready(name)
        yield running
    finally:
        running.stop()
