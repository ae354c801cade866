"""The questions that tell whether a server answers."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.local import wire


def metadata(brokers: list[tuple[int, str, int, str | None]], cluster: str | None) -> bytes:
    """Return a metadata answer, version 2, written as the protocol says."""

    def text(value: str | None) -> bytes:
        return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()

    body = struct.pack(">ii", 1, len(brokers))
    for number, host, port, rack in brokers:
        body += struct.pack(">i", number) + text(host) + struct.pack(">i", port) + text(rack)
    return body + text(cluster) + struct.pack(">ii", 1, 0)


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Return a port that sends `answer` to whoever asks once, then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_broker_that_lists_its_port_gives_its_cluster() -> None:
    """The cluster id tells our broker from another one that took the port."""
    answer = metadata([(1, "127.0.0.1", 20_001, None), (2, "h", 20_002, "rack")], "abc")
    assert wire.parse_metadata(answer, 20_002) == "abc"


@pytest.mark.parametrize("brokers", [[], [(1, "127.0.0.1", 20_005, None)]])
def test_a_broker_that_is_not_live_yet_is_not_ready(brokers: list[tuple[int, str, int, str | None]]) -> None:
    """The port opens before the broker has joined its own cluster."""
    assert wire.parse_metadata(metadata(brokers, "abc"), 20_001) is None


@pytest.mark.parametrize("size", [0, 1, 7, 12, 20])
def test_a_cut_answer_is_no_answer(size: int) -> None:
    """A server that dies while it answers does not serve."""
    cut = metadata([(1, "127.0.0.1", 1, None)], "abc")[:size]
    with server(struct.pack(">i", 40) + cut) as port:
        assert wire.cluster_id(port) is None


def test_something_else_on_the_port_is_no_broker() -> None:
    """Ports are shared by everything on the machine."""
    with server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert wire.cluster_id(port) is None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b"+PONG\r\n", True), (b"-LOADING Redis is loading\r\n", False), (b"-NOAUTH\r\n", False), (b"", False)],
)
def test_redis_serves_only_once_it_has_loaded(answer: bytes, expected: bool) -> None:  # noqa: FBT001
    """While it loads, every read fails."""
    with server(answer) as port:
        assert wire.redis_answers(port) is expected


def test_a_closed_port_answers_nothing() -> None:
    """Status of a crashed part is a quick no, not an exception."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert wire.cluster_id(port) is None
    assert not wire.redis_answers(port)
