"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from a stream of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, NamedTuple

from agents.ingest.live.contract import FeedError

MOST_BYTES: Final = 1 << 20


class ServerEvent(NamedTuple):
    """An event's name, `message` when it has none, and its data, lines joined."""

    name: str
    data: bytes


async def server_events(chunks: AsyncIterable[bytes]) -> AsyncIterator[ServerEvent]:
    """Yield the events that have data; an event cut off by the end is none. FeedError for one beyond MOST_BYTES."""
    name, data, size = "message", list[bytes](), 0
    async for line in _lines(chunks):
        size += len(line)
        if size > MOST_BYTES:
            raise FeedError(f"an event of more than {MOST_BYTES} bytes")
        if not line:
            if data:
                yield ServerEvent(name, b"\n".join(data))
            name, data, size = "message", [], 0
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"data":
            data.append(value)


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    carry = b""
    async for chunk in chunks:
        *lines, carry = (carry + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
        if len(carry) > MOST_BYTES:
            raise FeedError(f"a line of more than {MOST_BYTES} bytes")
