"""Questions of commands to Redis, and what a person is told when there is no answer."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from redis.exceptions import RedisError

from agents.lookup.departed import Departed
from agents.lookup.explanation import ExplanationDocument, explained
from agents.lookup.formula import formulas
from agents.lookup.origin import acts_of
from agents.lookup.reader import Reader, connected
from agents.redis_connection import redis_login, redis_refusal, wrong_protocol
from schemas.errors import RenownError
from schemas.identifiers import user_id
from schemas.printing import printable
from schemas.redis_keys import RedisKeys
from streams.formula import parameters_of
from streams.security import kafka_security
from streams.settings import Settings

T = TypeVar("T")


def ask(settings: Settings, question: Callable[[Reader], Awaitable[T]]) -> T:
    """Return the answer; raise RenownError when Redis cannot give one."""

    async def asked() -> T:
        redis = connected(settings.redis_url, **redis_login(settings))
        try:
            reader = Reader(redis, RedisKeys(settings.redis_prefix))
            await reader.require_contract()
            return await question(reader)
        except (RedisError, OSError) as error:
            refused = redis_refusal(error, settings.redis_url) or await wrong_protocol(settings.redis_url)
            if refused is not None:
                raise refused from error
            detail = f"Redis cannot be read ({error!s:.120}); `renown status` tells whether it runs"
            raise RenownError(detail) from error
        finally:
            await redis.aclose()

    return asyncio.run(asked())


async def explanation_of(reader: Reader, settings: Settings, user: str) -> ExplanationDocument | None:
    """Return why a user has her score, None when she has none; without Kafka moments lack names only."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = await reader.score(user)
    if found is None:
        return None
    moments = await reader.moments(user)
    acts = await acts_of(settings.bootstrap, settings.topics.engagements.name, moments, **kafka_security(settings))
    acts = await Departed(settings).hidden(acts)
    known = formulas(settings.profile, parameters_of(settings))
    return explained(found, moments, acts, known.get(found.model))


def valid_user(user: str) -> str:
    """Return the id in NFC; raise BadRecordError when it is none."""
    return user_id(user).decode()


def tell_unknown(users: list[str]) -> None:
    """Say that nothing is known of the users, and end the command with exit code 1."""
    named = printable(", ".join(users))
    click.echo(f"renown: no score for {named}: nothing received yet, or not the id as sent", err=True)
    sys.exit(1)
