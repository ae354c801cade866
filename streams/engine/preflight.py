"""What must hold before a worker joins: a broker that answers, topics that fit, and fencing that works."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.errors import BadSettingError
from streams.engine.fencing import FencedWriter
from streams.security import refusal

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0
CONNECT_S: Final = 3.0
ATTEMPTS: Final = 3
Say = Callable[[str], None]


def say_on_stderr(text: str) -> None:
    """Write one line."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


async def preflight(
    bootstrap: str,
    *,
    app_id: str,
    changelog: str,
    topics: Iterable[str],
    partitions: int,
    security: dict[str, Any] | None = None,
    say: Say = say_on_stderr,
) -> None:
    """Return when a worker may start; waits for the broker as long as it takes.

    BadSettingError names a topic that is missing or has another partition count; BrokenGuaranteeError when
    the broker does not refuse an older producer epoch; KafkaError when it stops answering in between.
    """
    security = security or {}
    client = await connected(bootstrap, security, say)
    try:
        await _check_topics(client, [changelog, *topics], partitions)
    finally:
        await client.close()
    writer = FencedWriter(bootstrap.split(","), app_id, security=security)
    try:
        await writer.probe(changelog)
    finally:
        await writer.stop()


async def connected(bootstrap: str, security: dict[str, Any], say: Say) -> AIOKafkaClient:
    """Return a client that knows the cluster; says once that it waits, and once that waiting is over."""
    pause_s, waiting = FIRST_PAUSE_S, False
    while True:
        if await _listens(bootstrap.split(",")):
            client = AIOKafkaClient(bootstrap_servers=bootstrap.split(","), **security)
            try:
                await client.bootstrap()
            except KafkaError as error:
                await client.close()
                if (refused := await refusal(bootstrap, security)) is not None:
                    raise refused from error
            else:
                if waiting:
                    say(f"kafka at {bootstrap} answers")
                return client
        if not waiting:
            say(f"kafka at {bootstrap} does not answer; trying again until it does")
            waiting = True
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _listens(servers: Sequence[str]) -> bool:
    """Return whether any server accepts a connection.

    Asked first, because aiokafka logs an error for each that does not.
    """
    for server in servers:
        host, _, port = server.rpartition(":")
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), CONNECT_S)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return True
    return False


async def _check_topics(client: AIOKafkaClient, topics: Sequence[str], partitions: int) -> None:
    for topic in topics:
        client.add_topic(topic)
    found = await _counts(client, topics)
    for topic, count in found.items():
        if not count:
            raise BadSettingError("topic", topic, "does not exist; run `renown topics apply`")
        if count != partitions:
            remedy = f"has {count} partitions, must have {partitions} as all topics; see `renown topics plan`"
            raise BadSettingError("topic", topic, remedy)


async def _counts(client: AIOKafkaClient, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each topic has, 0 for one that is not there.

    Asked again when one is not: a broker that has just started knows topics whose leaders it does not know yet.
    """
    for attempt in range(ATTEMPTS):
        if not await client.force_metadata_update():
            raise KafkaConnectionError("no metadata of the topics")
        found = {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}
        if all(found.values()):
            break
        await asyncio.sleep(attempt * FIRST_PAUSE_S)
    return found
