"""What Redis says about the deployment: `<prefix>:meta`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis

from agents.scoring.latency import Latency
from schemas.redis_keys import RedisKeys
from schemas.score import CONTRACT_VERSION, Score


@dataclass(slots=True)
class Meta:
    """The newest model and event time seen, the agent's start, and delays from event to readable."""

    redis: Redis
    keys: RedisKeys
    started_at_ms: int
    log_id: str
    _seen: dict[str, str] = field(default_factory=dict)

    def seen(self, score: Score) -> None:
        """Take note of a score that was written."""
        if score.as_of >= int(self._seen.get("as_of", "0")):
            self._seen = {"as_of": str(score.as_of), "model": score.model}

    async def write(self, latency: Latency) -> None:
        """Write everything; without fresh scores the delays stay as they are."""
        fields = {
            "contract_version": str(CONTRACT_VERSION),
            "started_at": str(self.started_at_ms),
            "log": self.log_id,
            **self._seen,
        }
        if (quantiles := latency.quantiles()) is not None:
            fields |= {
                "latency_p50_ms": str(quantiles[0]),
                "latency_p99_ms": str(quantiles[1]),
                "latency_samples": str(len(latency.samples)),
            }
        await self.redis.hset(self.keys.meta(), mapping=cast("Mapping[Any, Any]", fields))

    async def found_log(self) -> str | None:
        """Return which log the scores in this Redis came from, None when it holds none."""
        found = await self.redis.hget(self.keys.meta(), "log")
        return None if found is None else cast("bytes", found).decode()

    async def found_contract(self) -> int:
        """Return the version of the contract under which this Redis was filled, 0 when it is empty."""
        return int(await self.redis.hget(self.keys.meta(), "contract_version") or 0)


async def clear(redis: Redis, keys: RedisKeys) -> int:
    """Delete every key under the prefix and return how many; a running agent then writes all anew."""
    removed = 0
    async for key in redis.scan_iter(match=_escaped(keys.prefix) + ":*", count=1_000):
        removed += await redis.unlink(key)
    return removed


def _escaped(prefix: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in prefix)
