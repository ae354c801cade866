"""A connection that the broker closed is worth another try, also under uvloop."""

from __future__ import annotations

from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from streams.engine.closed_connections import tell_closed_connections


class Closed:
    """What uvloop's transport does once the other side has gone."""

    def write(self, _: bytes) -> None:
        """Refuse as uvloop does."""
        message = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
        raise RuntimeError(message)

    def close(self) -> None:
        """Be closed."""


def test_a_write_to_a_closed_connection_is_an_error_that_may_pass() -> None:
    """A bare RuntimeError would end the worker whose broker restarts."""
    tell_closed_connections()

    async def sent() -> None:
        connection: Any = AIOKafkaConnection("127.0.0.1", 9, request_timeout_ms=100)
        connection._writer, connection._versions = Closed(), {3: (0, 5)}
        with pytest.raises(KafkaConnectionError, match="handler is closed") as told:
            connection.send(MetadataRequest([]))
        assert told.value.retriable
        assert not connection.connected()

    uvloop.run(sent())
