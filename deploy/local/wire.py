"""The two questions that tell whether a server answers: Kafka's metadata request and Redis' PING.

Kafka protocol, Metadata version 2: `request = header(api 3, version 2, correlation, client) no topics`,
`answer = correlation, brokers[id, host, port, rack], cluster id, controller id, topics`.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, TypeVar

from deploy.local.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
TIMEOUT_S = 2.0
METADATA_REQUEST = struct.pack(">hhih6si", 3, 2, 1, 6, b"renown", 0)
LARGEST_ANSWER = 1 << 20


def cluster_id(port: int) -> str | None:
    """Return the id of the Kafka cluster that serves on the port, once it counts itself as live."""
    return _asked(port, _metadata)


def redis_answers(port: int) -> bool:
    """Whether a Redis on the port answers PING, which it does not while it still loads its data."""
    return bool(_asked(port, _ping))


def _asked(port: int, question: Callable[[socket.socket], Answer | None]) -> Answer | None:
    try:
        with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
            return question(connection)
    except (OSError, struct.error, ValueError):
        return None


def _ping(connection: socket.socket) -> bool:
    connection.sendall(b"PING\r\n")
    return connection.recv(64) == b"+PONG\r\n"


def _metadata(connection: socket.socket) -> str | None:
    connection.sendall(struct.pack(">i", len(METADATA_REQUEST)) + METADATA_REQUEST)
    (size,) = struct.unpack(">i", _exactly(connection, 4))
    if not 0 < size <= LARGEST_ANSWER:
        return None
    return parse_metadata(_exactly(connection, size), connection.getpeername()[1])


def parse_metadata(answer: bytes, port: int) -> str | None:
    """Return the cluster id in a metadata answer; None when no live broker has the port."""
    (brokers,) = struct.unpack_from(">i", answer, 4)
    at, serves = 8, False
    for _ in range(brokers):
        _host, at = _string(answer, at + 4)
        (its_port,) = struct.unpack_from(">i", answer, at)
        _rack, at = _string(answer, at + 4)
        serves = serves or its_port == port
    cluster, _ = _string(answer, at)
    return cluster if serves else None


def _string(answer: bytes, at: int) -> tuple[str | None, int]:
    (size,) = struct.unpack_from(">h", answer, at)
    end = at + 2 + max(size, 0)
    return (None if size < 0 else answer[at + 2 : end].decode()), end


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size > 0:
        part = connection.recv(size)
        if not part:
            raise ConnectionResetError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
