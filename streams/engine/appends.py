"""Appends of encoded batches: what is asked for in one turn of the event loop travels in one request per broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from schemas.errors import FencedError
from streams.engine.produce_request import Produce
from streams.engine.requests import FENCED, until

DUPLICATE_SEQUENCE: Final = 46
MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
"""A broker refuses requests above 100 MiB unless told otherwise."""
Answer = tuple[int, int]
"""Error code and base offset."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One batch that waits for its answer."""

    place: TopicPartition
    raw: bytes
    answer: asyncio.Future[Answer]


class Appends:
    """Sends batches to the leaders of their partitions, again and again until the broker's answer counts."""

    def __init__(self, client: Callable[[], Awaitable[AIOKafkaClient]], timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._asked: dict[int, list[Asked]] = {}
        self._travelling: set[asyncio.Task[None]] = set()

    async def append(self, topic: str, partition: int, raw: bytes) -> int:
        """Append one encoded batch; return its base offset, -1 when an earlier try of it had landed.

        FencedError when another worker owns the partition; KafkaError for everything that trying again cannot
        mend.
        """
        place, client = TopicPartition(topic, partition), await self._client()

        async def attempt() -> int | None:
            node = client.cluster.leader_for_partition(place)
            if node in (None, -1):
                client.add_topic(topic)
                await client.force_metadata_update()
                return None
            if not await client.ready(node):
                await client.force_metadata_update()
                return None
            return await _outcome(client, f"{topic}-{partition}", *await self._answer(client, node, place, raw))

        offset: int = await until(self._timeout_s, f"append to {topic}-{partition}", attempt)
        return offset

    def _answer(self, client: AIOKafkaClient, node: int, place: TopicPartition, raw: bytes) -> asyncio.Future[Answer]:
        """Return the answer to come; the first who asks has everybody's batches sent when this turn is over."""
        loop = asyncio.get_running_loop()
        if node not in self._asked:
            self._asked[node] = []
            loop.call_soon(self._depart, client, node)
        asked = Asked(place, raw, loop.create_future())
        self._asked[node].append(asked)
        return asked.answer

    def _depart(self, client: AIOKafkaClient, node: int) -> None:
        for load in loads(self._asked.pop(node)):
            task = asyncio.get_running_loop().create_task(_carry(client, node, load))
            self._travelling.add(task)
            task.add_done_callback(self._travelling.discard)


def loads(asked: Iterable[Asked]) -> Iterator[list[Asked]]:
    """Yield what goes into one request: of a partition one batch, and no more bytes than a request may have."""
    load: dict[TopicPartition, Asked] = {}
    size = 0
    for one in asked:
        if load and (one.place in load or size + len(one.raw) > MAX_REQUEST_BYTES):
            yield list(load.values())
            load, size = {}, 0
        load[one.place] = one
        size += len(one.raw)
    yield list(load.values())


async def _carry(client: AIOKafkaClient, node: int, load: list[Asked]) -> None:
    """Send one request and hand every batch its answer, or all of them what went wrong."""
    try:
        answer = await client.send(node, Produce([(one.place, one.raw) for one in load]))
        found = {(topic, each[0]): (each[1], each[2]) for topic, partitions in answer.topics for each in partitions}
        for one in load:
            if not one.answer.done():
                one.answer.set_result(found[one.place])
    except BaseException as error:
        for one in load:
            if not one.answer.done():
                one.answer.set_exception(error)
        if not isinstance(error, Exception):
            raise


async def _outcome(client: AIOKafkaClient, where: str, code: int, base: int) -> int | None:
    if code == 0:
        return base
    if code == DUPLICATE_SEQUENCE:
        return -1
    if code in FENCED:
        message = f"{where}: another worker owns it now (error {code})"
        raise FencedError(message)
    failure = errors.for_code(code)
    if not failure.retriable:
        raise failure(where)
    await client.force_metadata_update()
    return None
