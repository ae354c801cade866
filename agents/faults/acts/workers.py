"""Workers that die or sleep at the worst moments."""

from __future__ import annotations

import signal
import time
from typing import Final

from agents.faults.records import engagement
from agents.faults.scene import SESSION_S, Scene
from agents.faults.supervisor import AT_CRASH_POINT, HELPED_BY_RESTART
from agents.rig.pipeline import SCORING
from streams.engine.crashpoints import SCORING as SCORING_POINTS
from streams.engine.crashpoints import VARIABLE, WORKER

KILLS: Final = 20
IN_RECOVERY: Final = 5
VISITS: Final = 3
ONCE: Final = frozenset({"claimed", "restoring", "recovered", "scoring_started"})
"""Points that a process may pass only once after its start."""
CROWDED: Final = frozenset({"barrier_rows", "scoring_part"})
"""Points that are reached only when a partition's rows, or the scores of a poll, take more than one batch."""
CROWD: Final = 16_000


def at_every_crash_point(scene: Scene) -> None:
    """Let the scoring agent, and then a worker, die at each crash point in turn."""
    for point in sorted([*SCORING_POINTS, *WORKER], key=CROWDED.__contains__):
        name = SCORING if point in SCORING_POINTS else scene.chance.choice(scene.workers)
        at_crash_point(scene, name, point)


def at_crash_point(scene: Scene, name: str, point: str) -> None:
    """Let a process die at one crash point, on its first to third visit after a start where there are so many."""
    ended = scene.supervisor.ends[AT_CRASH_POINT]
    scene.supervisor.always(
        name, {VARIABLE: f"{point}:{1 if point in ONCE | CROWDED else scene.chance.randint(1, VISITS)}"}
    )
    scene.pipeline.processes[name].terminate()
    if point in CROWDED:
        crowd(scene)
    scene.wait(lambda: scene.supervisor.ends[AT_CRASH_POINT] > ended, f"{name}'s death at {point}")
    scene.supervisor.always(name, {})
    scene.injected += 1
    scene.recover()


def crowd(scene: Scene) -> None:
    """Send acts of so many new people that a partition's rows take more than one batch."""
    at_ms, tag = int(time.time() * 1000), scene.chance.getrandbits(32)
    for number in range(CROWD):
        actor, target = f"crowd:a{tag}-{number}", f"crowd:b{tag}-{number}"
        scene.source.send(engagement(number, -tag, "like", actor, target, at_ms))


def at_some_crash_point(scene: Scene) -> None:
    """Let a process die at one crash point that takes no crowd to be reached."""
    point = scene.chance.choice([point for point in (*WORKER, *SCORING_POINTS) if point not in CROWDED])
    at_crash_point(scene, SCORING if point in SCORING_POINTS else scene.chance.choice(scene.workers), point)


def at_random(scene: Scene) -> None:
    """Kill one of the workers at twenty random moments."""
    for _ in range(KILLS):
        once(scene)
        scene.all_ready()
    scene.recover()


def once(scene: Scene) -> None:
    """Kill one worker at a random moment."""
    scene.pause(0.1, 1.5)
    began = time.monotonic()
    scene.kill(scene.chance.choice(scene.workers))
    scene.recover(began)


def two_at_once(scene: Scene) -> None:
    """Kill two workers in the same instant, three times."""
    for _ in range(3):
        both(scene)


def both(scene: Scene) -> None:
    """Kill two workers in the same instant."""
    scene.pause(0.3, 1.5)
    began = time.monotonic()
    scene.kill(*scene.workers[:2])
    scene.recover(began)
    scene.all_ready()


def agent(scene: Scene) -> None:
    """Kill the scoring agent at a random moment."""
    scene.pause(0.1, 1.5)
    began = time.monotonic()
    scene.kill(SCORING)
    scene.recover(began)


def in_recovery(scene: Scene) -> None:
    """Kill a worker while it recovers from having been killed."""
    name = scene.workers[0]
    scene.kill(name)
    for _ in range(IN_RECOVERY):
        process = scene.pipeline.processes[name]
        scene.wait(lambda last=process: scene.pipeline.processes[name] is not last, "restart", 30)  # type: ignore[misc]
        scene.pause(0.5, 3.5)
        scene.kill(name)
    scene.recover()
    scene.all_ready()


def in_rebalance(scene: Scene) -> None:
    """Let a third worker join, and kill a member in the middle of what follows; then let it leave."""
    for _ in range(3):
        scene.supervisor.keep("worker-2")
        scene.pause(2.0, 4.5)
        began = time.monotonic()
        scene.kill(scene.chance.choice(["worker-0", "worker-1"]))
        scene.recover(began)
        scene.all_ready()
        leave(scene, "worker-2")
    scene.recover()


def leave(scene: Scene, name: str, number: int = signal.SIGTERM) -> None:
    """End a worker for good, by default the gentle way."""
    scene.supervisor.let_go(name)
    scene.pipeline.kill(name, number)
    scene.injected += 1


def zombie(scene: Scene) -> None:
    """Make a zombie, twice."""
    for _ in range(2):
        zombie_once(scene)


def zombie_once(scene: Scene) -> None:
    """Stop a worker past its session, let another take over, wake it: it must end without having written."""
    name = scene.workers[0]
    scene.pause(0.5, 1.0)
    began, ended = time.monotonic(), scene.supervisor.ends[HELPED_BY_RESTART]
    before = len(scene.pipeline.log(name))
    scene.kill(name, number=signal.SIGSTOP)
    scene.pause(SESSION_S + 2)
    if len(scene.workers) > 1:
        scene.recover(began)
    scene.pipeline.processes[name].send_signal(signal.SIGCONT)
    scene.wait(lambda: scene.supervisor.ends[HELPED_BY_RESTART] > ended, "the zombie's end")
    said = scene.pipeline.log(name)[before:]
    scene.expect("Traceback" not in said, f"the zombie ended with a traceback: {said[-300:]}")
    scene.expect("renown worker stopped" in said, f"the zombie did not say why it ended: {said[-300:]}")
    scene.all_ready()
