"""A connection that closed under aiokafka's hands is told as KafkaConnectionError, which is tried again.

Writing to it, uvloop raises a bare RuntimeError where asyncio raises OSError, and aiokafka knows the latter alone.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_STOCK = AIOKafkaConnection.send


def _send(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002
    try:
        return _STOCK(self, request, expect_response)
    except RuntimeError as error:
        # aiokafka's own errors are RuntimeErrors, too.
        if type(error) is not RuntimeError:
            raise
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        message = f"Connection at {self.host}:{self.port} broken: {error}"
        raise KafkaConnectionError(message) from error


def tell_closed_connections() -> None:
    """From now on every client of this process tells them so."""
    AIOKafkaConnection.send = _send
