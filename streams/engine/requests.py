"""Requests that aiokafka has no public call for: tries them until an answer counts, and asks for producer ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactString, Int16, Int32, Int64, Schema, TaggedFields

from schemas.errors import FencedError

NO_PRODUCER: Final = (-1, -1)
FENCED: Final = frozenset({47, 90})  # INVALID_PRODUCER_EPOCH, PRODUCERFENCED
_COORDINATOR_BUSY: Final = frozenset({14, 15, 16, 51})  # loading, absent, moved, concurrent transactions
_TRANSACTION_TIMEOUT_MS: Final = 60_000
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5


class _InitProducerIdResponse(Response):
    API_KEY = 22
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _InitProducerIdStruct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 22
    API_VERSION = 3
    RESPONSE_TYPE = _InitProducerIdResponse
    SCHEMA = Schema(
        ("transactional_id", CompactString("utf-8")),
        ("transaction_timeout_ms", Int32),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("tags", TaggedFields),
    )


class _InitProducerIdRequest(Request[_InitProducerIdStruct]):
    """Version 3: with the present id and epoch the broker raises the epoch only if nobody else did."""

    API_KEY = 22

    def __init__(self, transactional_id: str | None, present: tuple[int, int]) -> None:
        self._fields: tuple[Any, ...] = (transactional_id, _TRANSACTION_TIMEOUT_MS, *present, {})

    def build(self, request_struct_class: type[_InitProducerIdStruct]) -> _InitProducerIdStruct:
        return request_struct_class(*self._fields)


async def until(timeout_s: float, what: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Return the first answer of `attempt` that is not None, trying again on errors that may pass."""
    deadline, pause_s = time.monotonic() + timeout_s, _FIRST_PAUSE_S
    while True:
        try:
            answer = await attempt()
        except errors.KafkaError as error:
            if not error.retriable:
                raise
            answer = None
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            message = f"{what}: no answer within {timeout_s:.0f} s"
            raise errors.KafkaTimeoutError(message)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def init_producer(
    client: AIOKafkaClient,
    transactional_id: str | None,
    timeout_s: float,
    present: tuple[int, int] = NO_PRODUCER,
) -> tuple[int, int]:
    """Return (producer id, epoch), the epoch raised; FencedError when `present` is no longer newest."""

    async def attempt() -> tuple[int, int] | None:
        if transactional_id is None:
            node = client.get_random_node()
        else:
            node = await client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
        if not await client.ready(node, group=ConnectionGroup.COORDINATION):
            return None
        request = _InitProducerIdRequest(transactional_id, present)
        answer = await client.send(node, request, group=ConnectionGroup.COORDINATION)
        code = answer.error_code
        if code == 0:
            return answer.producer_id, answer.producer_epoch
        if code in FENCED:
            message = f"{transactional_id}: another worker owns it now (error {code})"
            raise FencedError(message)
        if code not in _COORDINATOR_BUSY and not errors.for_code(code).retriable:
            raise errors.for_code(code)(transactional_id)
        return None

    found: tuple[int, int] = await until(timeout_s, f"producer id for {transactional_id}", attempt)
    return found
