"""Whole-fetch delivery through Faust: each fetched chunk is one message, split only when it is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import faust
from faust.transport.utils import DefaultSchedulingStrategy

from streams.engine.chunk import Chunk

MAX_CHUNK = 20_000


class ChunkScheduler(DefaultSchedulingStrategy):
    """Yields chunks of all partitions in turn, then the records of ordinary topics as Faust does."""

    max_chunk = MAX_CHUNK

    def iterate(self, records: Mapping[Any, list[Any]]) -> Iterator[tuple[Any, Any]]:
        """Yield (partition, chunk or record); a chunk has at most `max_chunk` records."""
        rest: dict[Any, list[Any]] = {}
        lanes: list[list[tuple[Any, Chunk]]] = []
        for tp, fetched in records.items():
            if fetched and isinstance(fetched[0], Chunk):
                lanes.append([(tp, piece) for chunk in fetched for piece in chunk.split(self.max_chunk)])
            elif fetched:
                rest[tp] = fetched
        for turn in zip_longest(*lanes):
            yield from (piece for piece in turn if piece is not None)
        if rest:
            yield from super().iterate(rest)


def chunk_scheduler(max_chunk: int) -> type[ChunkScheduler]:
    """Return the scheduler class for Faust's setting `ConsumerScheduler`."""
    return type("SizedChunkScheduler", (ChunkScheduler,), {"max_chunk": max_chunk})


class ChunkSchema(faust.Schema):
    """Hands a message's value through as it is: no codec, no work per record."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Return the decoder that Faust calls for every message."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return create_event(None, message.value, message.headers, message)

        return decode
