"""What Redis must hold: it answers, is new enough, throws nothing away, and its clock agrees with ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoPermissionError, RedisError, ResponseError

from agents.lookup.reader import connected
from agents.operations.doctor.finding import Finding, fault, well
from agents.redis_connection import redis_login, redis_refusal, wrong_protocol
from schemas.redis_keys import RedisKeys
from schemas.score import CONTRACT_VERSION
from streams.clock import wall_ms
from streams.settings_checks import without_password

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from streams.settings import Settings

LEAST_VERSION: Final = (6, 2)
CLOCK_LIMIT_MS: Final = 2_000
KEEPS_ALL: Final = "noeviction"


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what was found in turn; nothing further when Redis does not answer."""
    redis = connected(settings.redis_url, **redis_login(settings))
    try:
        reached = await _reached(redis, settings)
        yield reached
        if reached.well:
            for look in (_version, _memory, _clock):
                yield await _allowed(look.__name__.strip("_"), look(redis))
            yield await _allowed("contract", _contract(redis, RedisKeys(settings.redis_prefix)))
    finally:
        await redis.aclose()


async def _reached(redis: Redis, settings: Settings) -> Finding:
    where = without_password(settings.redis_url)
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        refused = redis_refusal(error, settings.redis_url) or await wrong_protocol(settings.redis_url)
        if refused is not None:
            return fault("redis", str(refused), "put the setting right")
        return fault("redis", f"{where}: {error!s:.120}", "is it up, is RENOWN_REDIS_URL its address, may we reach it?")
    return well("redis", f"{where} answers")


async def _allowed(check: str, look: Any) -> Finding:
    """Return what a look found; what this user may not ask is no fault of the deployment."""
    try:
        found: Finding = await look
    except (NoPermissionError, ResponseError) as error:
        return well(f"redis {check}", f"not looked at: {error!s:.80}")
    except (RedisError, OSError) as error:
        return fault(f"redis {check}", f"{error!s:.120}", "look at Redis and try again")
    return found


async def _version(redis: Redis) -> Finding:
    text = str((await redis.info("server"))["redis_version"])
    if tuple(map(int, text.split(".")[:2])) < LEAST_VERSION:
        return fault("redis version", text, "take 6.2 or later")
    return well("redis version", text)


async def _memory(redis: Redis) -> Finding:
    found = await redis.info("memory")
    policy, used, most = str(found["maxmemory_policy"]), int(found["used_memory"]), int(found["maxmemory"])
    detail = f"{used / 2**20:,.0f} MiB of {f'{most / 2**20:,.0f} MiB' if most else 'all there is'}, {policy}"
    if most and policy != KEEPS_ALL:
        return fault(
            "redis memory", detail, f"`CONFIG SET maxmemory-policy {KEEPS_ALL}`: else scores vanish in silence"
        )
    if most and used > 0.9 * most:
        return fault("redis memory", detail, "raise maxmemory; `renown plan` says what a population needs")
    return well("redis memory", detail)


async def _clock(redis: Redis) -> Finding:
    before_ms = wall_ms()
    seconds, micros = await redis.time()
    between_ms = (before_ms + wall_ms()) / 2
    apart_ms = abs(int(seconds) * 1000 + int(micros) // 1000 - between_ms)
    detail = f"{apart_ms:,.0f} ms apart from Redis'"
    if apart_ms > CLOCK_LIMIT_MS:
        return fault("clock", detail, "let both machines follow a time server")
    return well("clock", detail)


async def _contract(redis: Redis, keys: RedisKeys) -> Finding:
    found = int(await redis.hget(keys.meta(), "contract_version") or 0)
    if found > CONTRACT_VERSION:
        remedy = "run the release that wrote it, or `renown scoring --rebuild`"
        return fault("redis contract", f"written under version {found}, we know {CONTRACT_VERSION}", remedy)
    return well("redis contract", f"version {found}" if found else "empty: nothing has been written yet")
