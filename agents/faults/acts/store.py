"""A Redis that is killed, emptied, full, read-only, slow, deaf or somewhere else."""

from __future__ import annotations

import time
from typing import Any, Final

from redis import Redis

from agents.faults.scene import Scene

AWAY_S: Final = 5.0
PAUSE_S: Final = 30.0
STREAM_LIMIT_S: Final = 20.0


def killed(scene: Scene) -> None:
    """Kill Redis and start it again with what it had."""
    scene.calm()
    scene.store.kill()
    scene.injected += 1
    _stream_goes_on(scene)
    scene.pause(AWAY_S)
    scene.store.start()
    scene.recover()


def emptied(scene: Scene) -> None:
    """Kill Redis and start it again with nothing: scores must return without anybody's help."""
    had = _scores(scene)
    scene.store.kill()
    scene.store.empty()
    scene.injected += 1
    scene.store.start()
    _refilled(scene, had)


def flushed(scene: Scene) -> None:
    """FLUSHALL under load."""
    had = _scores(scene)
    _ask(scene, "FLUSHALL")
    scene.injected += 1
    _refilled(scene, had)


def full(scene: Scene) -> None:
    """Give Redis no memory for writes, then give it back."""
    scene.calm()
    _ask(scene, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    _ask(scene, "CONFIG", "SET", "maxmemory", "1")
    scene.injected += 1
    _stream_goes_on(scene)
    scene.pause(AWAY_S)
    _ask(scene, "CONFIG", "SET", "maxmemory", "0")
    scene.recover()


def read_only(scene: Scene) -> None:
    """Make Redis the replica of nobody who answers, then a master again."""
    scene.calm()
    _ask(scene, "REPLICAOF", "127.0.0.1", "1")
    scene.injected += 1
    _stream_goes_on(scene)
    scene.pause(AWAY_S)
    _ask(scene, "REPLICAOF", "NO", "ONE")
    scene.recover()


def paused(scene: Scene) -> None:
    """CLIENT PAUSE for half a minute."""
    scene.calm()
    began = time.monotonic()
    _ask(scene, "CLIENT", "PAUSE", str(int(PAUSE_S * 1000)), "ALL")
    scene.injected += 1
    _stream_goes_on(scene)
    scene.pause(max(0.0, PAUSE_S - (time.monotonic() - began)))
    scene.recover()


def hanging(scene: Scene) -> None:
    """Put a proxy before Redis that accepts connections and says nothing."""
    scene.calm()
    scene.proxy.lead(None)
    scene.injected += 1
    _stream_goes_on(scene)
    scene.pause(2 * AWAY_S)
    scene.proxy.lead(scene.store.port)
    scene.recover()


def failed_over(scene: Scene) -> None:
    """Let the address lead to a replica that was behind, as a failover does."""
    second = scene.bed.store()
    with Redis(port=second.port) as redis:
        redis.execute_command("REPLICAOF", "127.0.0.1", str(scene.store.port))
        scene.wait(lambda: dict(redis.info("replication")).get("master_link_status") == "up", "replica in step", 30)
        redis.execute_command("REPLICAOF", "NO", "ONE")
    scene.pause(1.0)
    scene.store.kill()
    scene.store = second
    scene.proxy.lead(second.port)
    scene.injected += 1
    scene.recover()


def _ask(scene: Scene, *words: str) -> Any:
    with Redis(port=scene.store.port) as redis:
        return redis.execute_command(*words)


def _scores(scene: Scene) -> int:
    return int(_ask(scene, "ZCARD", f"{scene.pipeline.settings.redis_prefix}:top"))


def _refilled(scene: Scene, had: int) -> None:
    """Return once something new is readable and as many scores as before are there again."""
    began = time.monotonic()
    scene.wait(lambda: _scores(scene) >= had, f"{had} scores back in Redis")
    scene.recover(began)


def _stream_goes_on(scene: Scene) -> None:
    """Note when workers do not go on counting while Redis is away."""
    before = scene.committed()
    until = time.monotonic() + STREAM_LIMIT_S
    while time.monotonic() < until:
        if scene.committed() > before + scene.source.rate:
            return
        scene.pause(0.2)
    scene.problems.append(f"with Redis away workers counted nothing for {STREAM_LIMIT_S:.0f} s")
