"""The fault suite itself: it sees what is not survived, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from agents.faults.acts import workers
from agents.faults.bed import Bed
from agents.faults.fault import Fault
from agents.faults.scene import Scene
from agents.faults.suite import attempt
from deploy.local.progress import Silent
from deploy.local.services import command

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """Give a broker for all of these tests."""
    made = Bed(tmp_path_factory.mktemp("bed"), Silent())
    yield made
    made.close()


def test_a_killed_worker_costs_nothing_and_is_kept(bed: Bed, tmp_path: Path) -> None:
    """The whole way of a fault: scene, injection, recovery, verdict."""
    outcome = attempt(Fault("kill", "one kill", workers.once), bed, tmp_path, 1)
    assert outcome.kept, (outcome.problems, outcome.faults)
    assert outcome.injected == 1
    assert outcome.counted == outcome.events > 100
    assert len(outcome.recovery_s) == 1


def test_what_is_not_survived_is_told(bed: Bed, tmp_path: Path) -> None:
    """A score changed behind our back, an end without reason, and a broken expectation each break the outcome."""

    def harm(scene: Scene) -> None:
        scene.source.rest()
        scene.pipeline.renown("drain")
        with Redis(port=scene.store.port) as redis:
            prefix = scene.pipeline.settings.redis_prefix
            (leader,) = redis.zrevrange(f"{prefix}:top", 0, 0)
            redis.hset(f"{prefix}:u:{leader.decode()}", "score", "1.5")
        scene.expect(holds=False, otherwise="a promise was broken")
        scene.kill(scene.workers[0], number=signal.SIGALRM)
        scene.wait(lambda: scene.supervisor.problems, "the end noticed")
        scene.all_ready()

    outcome = attempt(Fault("harm", "harm", harm), bed, tmp_path, 1)
    assert not outcome.kept
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.faults.keys() & {"stale_scores", "rows_unlike_scores", "boards_wrong"}
    told = "\n".join(outcome.problems)
    assert "a promise was broken" in told
    assert f"worker-0 ended with {-signal.SIGALRM}" in told


def test_interrupted_twice_it_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """Whoever loses patience presses Ctrl-C more than once; nobody looks for brokers and workers afterwards."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    argv = command("faults", "kill", "--json")
    with subprocess.Popen(argv, env={**env, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE) as process:
        while len(parts := psutil.Process(process.pid).children()) < 5:  # kafka, redis, 2 workers, scoring
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait() != 0
    gone, alive = psutil.wait_procs(parts, timeout=10)
    assert (len(gone), alive) == (5, [])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_fault_is_refused_and_the_known_ones_are_listed() -> None:
    """A misspelt name must not pass for a suite that was survived."""
    done = subprocess.run(command("faults", "kil"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "kill-in-recovery" in done.stderr
    listed = subprocess.run(command("faults", "--list", "--json"), capture_output=True, text=True, check=True)
    assert {"name": "zombie", "title": "a worker asleep past its session wakes up"} in json.loads(listed.stdout)
