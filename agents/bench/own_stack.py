"""A stack of its own for one run, in a temporary folder that is gone afterwards, also after Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.bench.rig import OWN, SCORING, Rig
from agents.local_topics import create_topics, known_by
from agents.rig.ending import undisturbed
from deploy.local.progress import Shown as Notices
from deploy.local.services import command
from deploy.local.stack import Stack
from streams.settings import load


@contextmanager
def own_stack(workers: int, say: Callable[[str], None], profile: Path | None = None) -> Iterator[Rig]:
    """Yield a running pipeline without events; with `profile`, worker-0 can be profiled into that file."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="renown-bench-") as name:
        folder = Path(name)
        local = Stack(folder, Notices(sys.stderr))
        say("starting Kafka and Redis")
        running: Rig | None = None
        try:
            state = local.up(workers=0, after_brokers=create_topics)
            settings = load({k: v for k, v in os.environ.items() if k not in OWN}, known_by(state))
            running = Rig(state, settings, folder, profile=profile and profile.absolute())
            say(f"starting {workers} {'worker' if workers == 1 else 'workers'} and the scoring agent")
            for number in range(workers):
                running.start(f"worker-{number}", _worker(running.profile if number == 0 else None))
            running.start(SCORING, command("scoring"))
            running.wait_ready()
            yield running
        finally:
            say("stopping")
            with undisturbed():
                if running is not None:
                    running.stop()
                local.down()


def _worker(profile: Path | None) -> tuple[str, ...]:
    if profile is None:
        return command("worker")
    return (sys.executable, "-m", "agents.bench.profiled", str(profile), "worker")
