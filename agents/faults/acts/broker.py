"""A broker that dies, stays away, stands still, or whose topics are not as they must be."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Any, Final

import confluent_kafka.admin

from agents.faults.scene import Scene
from deploy.local.services import command

AWAY_S: Final = 75.0
"""Longer than every limit of the clients: their session of 6 s, requests and metadata of 40 and 60 s."""
STALLS_S: Final = 30.0
START_LIMIT_S: Final = 60.0
REFUSED: Final = 2


def killed(scene: Scene) -> None:
    """Kill the broker under load and start it again, twice."""
    for _ in range(2):
        scene.pause(1.0, 3.0)
        once(scene)


def once(scene: Scene) -> None:
    """Kill the broker and start it again."""
    began = time.monotonic()
    scene.broker.kill()
    scene.injected += 1
    scene.broker.start()
    scene.recover(began)
    scene.all_ready()


def away(scene: Scene) -> None:
    """Kill the broker and start it again when every limit of its clients is over."""
    scene.broker.kill()
    scene.injected += 1
    scene.pause(AWAY_S)
    scene.broker.start()
    scene.recover()
    scene.all_ready()


def stalls(scene: Scene) -> None:
    """Let the broker stand still for up to three seconds again and again, as on a disk that cannot keep up."""
    until = time.monotonic() + STALLS_S
    while time.monotonic() < until:
        stall(scene)
    scene.recover()
    scene.all_ready()


def stall(scene: Scene) -> None:
    """Let the broker stand still for a moment."""
    scene.broker.signal(signal.SIGSTOP)
    scene.pause(0.2, 3.0)
    scene.broker.signal(signal.SIGCONT)
    scene.injected += 1
    scene.pause(0.1, 1.0)


def unfit_topics(scene: Scene) -> None:
    """Start a worker on topics that are missing, too few of partitions, or not compacted: it must refuse."""
    prefix = f"{scene.pipeline.settings.prefix}-unfit"
    _must_refuse(scene, "missing topics", RENOWN_PREFIX=f"{prefix}-nowhere")
    _must_refuse(scene, "a wrong partition count", RENOWN_PARTITIONS="4")
    env = {**scene.pipeline.env, "RENOWN_PREFIX": prefix}
    subprocess.run(command("topics", "apply"), env=env, check=True, capture_output=True)
    _set(scene, f"{prefix}.app-users-changelog", "cleanup.policy", "delete")
    _must_refuse(scene, "a changelog that is not compacted", RENOWN_PREFIX=prefix)
    scene.recover()


def _set(scene: Scene, topic: str, name: str, value: str) -> None:
    """Change one setting of a topic."""
    kafka: Any = confluent_kafka.admin
    entry = kafka.ConfigEntry(name, value, incremental_operation=kafka.AlterConfigOpType.SET)
    resource = kafka.ConfigResource(kafka.ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = kafka.AdminClient({"bootstrap.servers": scene.broker.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(START_LIMIT_S)


def _must_refuse(scene: Scene, what: str, **env: str) -> None:
    scene.injected += 1
    own = {**scene.pipeline.env, **env}
    try:
        done = subprocess.run(
            command("worker"), env=own, capture_output=True, text=True, check=False, timeout=START_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        scene.problems.append(f"a worker started with {what}")
        return
    last = (done.stderr.strip().splitlines() or [""])[-1]
    scene.expect(done.returncode == REFUSED, f"with {what} a worker ended with {done.returncode}: {last}")
    scene.expect("run `" in last, f"with {what} a worker did not say what to run: {last}")
