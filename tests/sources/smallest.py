"""Engagements of the contract, one a line, from a server that goes on after the id it is sent."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from agents.ingest.live.contract import FeedError, Frame, Memory, Reading, option
from agents.ingest.outcomes import Ready, Refused
from schemas.codec import decode_engagement
from schemas.errors import BadRecordError


@dataclass(frozen=True)
class Lines:
    """Engagements of the contract, one a line, from a TCP server."""

    address: str = option("127.0.0.1:9000", "Server to read from, host:port.")

    @property
    def feed(self) -> str:
        """Return whose cursors these are."""
        return self.address

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - one host
        """Yield the lines after the cursor."""
        host, _, port = self.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"{cursor or ''}\n".encode())
            async for line in reader:
                yield Frame(line.rstrip())
            raise FeedError(f"{self.address} closed the connection")
        finally:
            writer.close()

    def read(self, raw: bytes, memory: Memory) -> Reading:  # noqa: ARG002 - nothing is taken back
        """Return the engagement; the cursor is its id."""
        try:
            act = decode_engagement(raw)
        except BadRecordError as error:
            return Reading([Refused(error, 0, raw)])
        return Reading([Ready(act, raw)], act.id.decode(), act.occurred_at_ms)


SOURCE = Lines
