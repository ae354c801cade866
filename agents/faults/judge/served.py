"""Everything that Redis serves of a deployment, read with plain commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from redis import Redis

from agents.faults.judge.deployment import Deployment

_PAGE: Final = 2_000
_SPECIAL: Final = "*?[]\\^"


@dataclass
class Served:
    """Hashes by user, users with a why key, leaderboards by what follows `top` (empty = all), the meta hash."""

    hashes: dict[bytes, dict[str, str]] = field(default_factory=dict)
    whys: set[bytes] = field(default_factory=set)
    boards: dict[str, dict[bytes, float]] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)


def served(deployment: Deployment) -> Served:
    """Return what Redis holds under the deployment's prefix."""
    found, root = Served(), f"{deployment.redis_prefix}:".encode()
    with Redis.from_url(deployment.redis_url) as redis:
        for keys in _pages(redis, deployment.redis_prefix):
            users = [key for key in keys if key.startswith(root + b"u:")]
            pipe = redis.pipeline(transaction=False)
            for key in users:
                pipe.hgetall(key)
            for key, fields in zip(users, pipe.execute(), strict=True):
                found.hashes[key[len(root) + 2 :]] = _texts(fields)
            found.whys |= {key[len(root) + 4 :] for key in keys if key.startswith(root + b"why:")}
            for key in keys:
                if key == root + b"top" or key.startswith(root + b"top:"):
                    members: list[Any] = redis.execute_command("ZRANGE", key, 0, -1, "WITHSCORES")
                    found.boards[key[len(root) + 4 :].decode()] = _board(members)
        found.meta = _texts(redis.execute_command("HGETALL", root + b"meta"))
    return found


def _pages(redis: Redis, prefix: str) -> Iterator[list[bytes]]:
    """Yield every key under the prefix once, in pages."""
    pattern = "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in prefix) + ":*"
    keys = list(set(redis.scan_iter(match=pattern, count=_PAGE)))
    for at in range(0, len(keys), _PAGE):
        yield keys[at : at + _PAGE]


def _texts(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}


def _board(members: list[Any]) -> dict[bytes, float]:
    """Return rank values by user from what ZRANGE WITHSCORES answers in either protocol."""
    pairs = (
        members if members and isinstance(members[0], list | tuple) else zip(members[::2], members[1::2], strict=True)
    )
    return {bytes(user): float(value) for user, value in pairs}
