"""The private names of Faust, mode and aiokafka that the engine leans on, checked before anything starts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from faust import App
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver

from schemas.errors import BadSettingError

MADE_FOR: Final = "0.15.3"
_METHODS: Final = (
    "_add_gap",
    "_commit",
    "_getmany",
    "_handle_attached",
    "_new_consumer_thread",
    "_new_offset",
    "_to_message",
    "commit",
    "earliest_offsets",
    "getmany",
    "on_buffer_drop",
    "on_partitions_revoked",
    "perform_seek",
    "resume_flow",
    "resume_partitions",
)
_ATTRIBUTES: Final = ("_acked", "_acked_index", "_buffered_partitions", "_gap", "_paused_partitions")
_REST: Final = (
    (App, "_crash"),
    (Recovery, "on_recovery_completed"),
    (TableManager, "_update_channels"),
    (driver, "credentials_to_aiokafka_auth"),
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
    (driver, "server_list"),
    (fetcher, "MemoryRecords"),
    (fetcher, "PartitionRecords"),
    (fetcher.PartitionRecords, "_unpack_records"),
)


def _missing() -> Iterator[str]:
    for name in _METHODS:
        if not callable(getattr(driver.Consumer, name, None)):
            yield f"Consumer.{name}"
    source = inspect.getsource(consumer.Consumer)
    for name in _ATTRIBUTES:
        if f"self.{name}" not in source:
            yield f"Consumer.{name}"
    for owner, name in _REST:
        if not hasattr(owner, name):
            yield f"{owner.__name__}.{name}"


def _missing_of_fetching() -> Iterator[str]:
    source = inspect.getsource(AIOKafkaConsumer)
    for name in ("_fetch_min_bytes", "_fetch_max_wait_ms"):
        if f"self.{name} = " not in source:
            yield f"AIOKafkaConsumer.{name}"


def check_private_names() -> None:
    """Return when the installed Faust has all the engine leans on; BadSettingError names what it lacks."""
    missing = sorted([*_missing(), *_missing_of_fetching()])
    if missing:
        found = version("faust-streaming")
        remedy = f"lacks {', '.join(missing)}; install faust-streaming {MADE_FOR}"
        raise BadSettingError("faust-streaming", found, remedy)
