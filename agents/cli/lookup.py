"""`renown score`, `top`, `explain` and `history`: what Redis says of people."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec
import orjson
from redis.exceptions import RedisError

from agents.cli.target import data_option, resolve
from agents.lookup.explanation import document
from agents.lookup.origin import acts_of
from agents.lookup.reader import NETWORK_PATTERN, Reader, connected
from agents.lookup.shown import show
from agents.lookup.stored import StoredScore
from agents.redis_connection import redis_login, redis_refusal, wrong_protocol
from schemas.engagement import Act
from schemas.errors import RenownError
from schemas.identifiers import user_id
from schemas.instants import rfc3339
from schemas.printing import printable
from schemas.redis_keys import RedisKeys
from schemas.score import Moment
from streams.security import kafka_security
from streams.settings import Settings

MOST_TOP = 10_000
SCORE_COLUMNS = ("user", "score", "target", "1 day", "7 days", "percentile", "relationships", "momentum")
T = TypeVar("T")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")


@click.command()
@click.argument("users", nargs=-1, required=True, metavar="USER...")
@json_option
@data_option
def score(users: tuple[str, ...], data: str, *, as_json: bool) -> None:
    """Show the scores of one or several users; with --json one line each. Exit 1 when any has none.

    Example: renown score github:torvalds --json
    """
    asked = [_valid(user) for user in users]
    found = _read(resolve(data), lambda reader: reader.scores(asked))
    known = [each for each in found if each is not None]
    if as_json:
        for each in known:
            _print_json(score_document(each))
    elif known:
        show(SCORE_COLUMNS, [_row(each) for each in known], sys.stdout)
    if missing := [user for user, each in zip(asked, found, strict=True) if each is None]:
        _unknown(missing)


@click.command()
@click.option("-n", "count", type=click.IntRange(1, MOST_TOP), default=10, show_default=True, help="How many.")
@click.option("--network", help="Only users of this network.")
@click.option("--momentum", is_flag=True, help="Order by momentum: who is rising now.")
@json_option
@data_option
def top(count: int, network: str | None, data: str, *, momentum: bool, as_json: bool) -> None:
    """Show the leaderboard: ordered by influence mass, with the shown score beside it.

    Example: renown top -n 20 --network github
    """
    if network is not None and (momentum or not re.fullmatch(NETWORK_PATTERN, network)):
        raise RenownError(f"--network {network!r}: send a network such as github, and not with --momentum")
    found = _read(resolve(data), lambda reader: reader.top(count, network, by_momentum=momentum))
    if as_json:
        _print_json([{"rank": each.rank, **score_document(each.score)} for each in found])
    elif found:
        show(("rank", *SCORE_COLUMNS), [(str(each.rank), *_row(each.score)) for each in found], sys.stdout)
    else:
        raise RenownError(f"no scores{f' in network {network}' if network else ''} yet; `renown drain` waits for them")


@click.command()
@click.argument("user")
@json_option
@data_option
def explain(user: str, data: str, *, as_json: bool) -> None:
    """Show why a user has her score: parts in percent, counts, and the moments that weigh most.

    Example: renown explain github:torvalds
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # without Kafka the explanation lacks names only
    settings, asked = resolve(data), _valid(user)
    found = _read(settings, lambda reader: _explained(reader, settings, asked))
    if found is None:
        _unknown([asked])
    elif as_json:
        _print_json(found)
    else:
        for line in found["lines"]:
            click.echo(printable(line))


@click.command()
@click.argument("user")
@json_option
@data_option
def history(user: str, data: str, *, as_json: bool) -> None:
    """Show a user's score day by day, at most 90 days back.

    Example: renown history github:torvalds --json
    """
    asked = _valid(user)
    days = _read(resolve(data), lambda reader: reader.history(asked))
    if not days:
        _unknown([asked])
    elif as_json:
        _print_json({"user": asked, "days": [day._asdict() for day in days]})
    else:
        show(("day", "score"), [(day.day, f"{day.score:.1f}") for day in days], sys.stdout)


def score_document(found: StoredScore) -> dict[str, Any]:
    """Return a score as JSON shows it, `as_of` as RFC 3339."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain | {"as_of": rfc3339(found.as_of)}


async def _explained(reader: Reader, settings: Settings, user: str) -> dict[str, Any] | None:
    found = (await reader.scores([user]))[0]
    if found is None:
        return None
    moments: tuple[Moment, ...] = await reader.moments(user)
    acts: list[Act | None] = await acts_of(
        settings.bootstrap, settings.topics.engagements.name, moments, **kafka_security(settings)
    )
    return document(found, moments, acts)


def _read(settings: Settings, question: Callable[[Reader], Awaitable[T]]) -> T:
    """Return the answer; raise RenownError when Redis cannot give one."""

    async def asked() -> T:
        redis = connected(settings.redis_url, **redis_login(settings))
        try:
            return await question(Reader(redis, RedisKeys(settings.redis_prefix)))
        except (RedisError, OSError) as error:
            refused = redis_refusal(error, settings.redis_url) or await wrong_protocol(settings.redis_url)
            if refused is not None:
                raise refused from error
            detail = f"Redis cannot be read ({error!s:.120}); `renown status` tells whether it runs"
            raise RenownError(detail) from error
        finally:
            await redis.aclose()

    return asyncio.run(asked())


def _valid(user: str) -> str:
    return user_id(user).decode()


def _unknown(users: list[str]) -> None:
    named = printable(", ".join(users))
    click.echo(f"renown: no score for {named}: nothing received yet, or not the id as sent", err=True)
    sys.exit(1)


def _row(found: StoredScore) -> tuple[str, ...]:
    return (
        found.user,
        f"{found.score:.1f}{'*' if found.provisional else ''}",
        f"{found.target_score:.1f}",
        _change(found.change_1d),
        _change(found.change_7d),
        f"{found.percentile:.1f}",
        f"{found.relationships:.1f}",
        f"{found.momentum:.2f}",
    )


def _change(change: float | None) -> str:
    return "-" if change is None else f"{change:+.1f}"


def _print_json(value: Any) -> None:
    click.echo(orjson.dumps(value))
