"""A whole pipeline of its own on a running broker: own topics, own workers, own Redis keys."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents.rig.ending import end
from deploy.local.process import last_words
from deploy.local.services import command
from schemas.errors import RenownError
from streams.settings import Settings, load

STOP_LIMIT_S: Final = 40.0
READY_LIMIT_S: Final = 90.0
POLL_S: Final = 0.05
SCORING: Final = "scoring"


class RigError(RenownError):
    """A part of the pipeline did not do what it was told; says which and its last words."""


@dataclass
class Pipeline:
    """Workers and the scoring agent as processes; `folder` takes their logs and ready files."""

    settings: Settings
    env: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *, also: Mapping[str, str] | None = None) -> None:
        """Start `worker-N` or `scoring`; a worker keeps its name in the group over restarts."""
        words = "worker" if name.startswith("worker") else SCORING
        env = {**self.env, **(also or {})}
        if words == "worker":
            self.ready_file(name).unlink(missing_ok=True)
            env |= {"RENOWN_MEMBER_NAME": name, "RENOWN_READY_FILE": str(self.ready_file(name))}
        with self.log_file(name).open("ab") as log:
            argv = command(words)
            self.processes[name] = subprocess.Popen(argv, env=env, stdout=log, stderr=log, start_new_session=True)

    def is_ready(self, name: str) -> bool:
        """Return whether the process that runs now has said that it scores: a file may outlive who wrote it."""
        process = self.processes[name]
        try:
            return process.poll() is None and self.ready_file(name).read_text().strip() == str(process.pid)
        except FileNotFoundError:
            return False

    def ready_file(self, name: str) -> Path:
        """Return where a worker says that it is ready."""
        return self.folder / f"{name}.ready"

    def log_file(self, name: str) -> Path:
        """Return where a process says what it has to say."""
        return self.folder / f"{name}.log"

    def wait_ready(self, name: str, limit_s: float = READY_LIMIT_S) -> None:
        """Return when the worker scores; RigError when it ends first or takes longer."""
        until = time.monotonic() + limit_s
        while not self.is_ready(name):
            code = self.processes[name].poll()
            if code is not None:
                raise RigError(f"{name} ended with {code}: {last_words(self.log_file(name))}")
            if time.monotonic() > until:
                raise RigError(f"{name} was not ready after {limit_s:.0f} s: {last_words(self.log_file(name))}")
            time.sleep(POLL_S)

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.processes[name].send_signal(number)
        return self.ended(name)

    def ended(self, name: str, limit_s: float = STOP_LIMIT_S) -> int:
        """Wait for the end of a process and return its exit code; RigError when it goes on."""
        try:
            return self.processes[name].wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise RigError(f"{name} went on for {limit_s:.0f} s: {last_words(self.log_file(name))}") from error

    def runs(self, name: str) -> bool:
        """Return whether the process lives."""
        return name in self.processes and self.processes[name].poll() is None

    def log(self, name: str) -> str:
        """Return what the process has said."""
        return self.log_file(name).read_text(errors="replace")

    def renown(self, *arguments: str, check: bool = True) -> str:
        """Run a command against this pipeline and return its standard output; RigError when `check` and it fails."""
        done = subprocess.run(command(*arguments), env=self.env, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RigError(f"`renown {' '.join(arguments)}` ended with {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def counts(self) -> dict[str, dict[str, object]]:
        """Return the audit of the tables by user."""
        lines = map(json.loads, self.renown("counts").splitlines())
        return {line["user"]: line for line in lines}

    def stop(self) -> None:
        """Stop every process, the gentle way first."""
        end(self.processes.values(), STOP_LIMIT_S)


def prepared(bootstrap: str, redis_url: str, folder: Path, prefix: str, settings: Mapping[str, str]) -> Pipeline:
    """Return a pipeline whose topics exist and of which nothing runs yet."""
    own = {
        "RENOWN_BOOTSTRAP": bootstrap,
        "RENOWN_REDIS_URL": redis_url,
        "RENOWN_PREFIX": prefix,
        "RENOWN_REDIS_PREFIX": prefix,
        **{f"RENOWN_{name.upper()}": value for name, value in settings.items()},
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")} | own
    made = Pipeline(load(own), {**env, "RENOWN_DATA": str(folder / "no-stack-here")}, folder)
    made.renown("topics", "apply")
    return made


@contextmanager
def pipeline(
    bootstrap: str, redis_url: str, folder: Path, prefix: str, *, workers: int, **settings: str
) -> Iterator[Pipeline]:
    """Yield a running pipeline whose workers are ready; `settings` by their names without RENOWN_."""
    running = prepared(bootstrap, redis_url, folder, prefix, settings)
    names = [f"worker-{number}" for number in range(workers)]
    try:
        for name in [*names, SCORING]:
            running.start(name)
        for name in names:
            running.wait_ready(name)
        yield running
    finally:
        running.stop()
