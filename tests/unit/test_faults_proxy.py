"""The switchboard before Redis: it passes on, hangs, and leads elsewhere."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from agents.faults.proxy import Proxy


def answering(word: bytes) -> tuple[int, socket.socket]:
    """Start a server that answers everything with one word."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(near,), daemon=True).start()

    def talk(near: socket.socket) -> None:
        with near:
            while near.recv(100):
                near.sendall(word)

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1], listening


@pytest.fixture
def servers() -> Iterator[tuple[int, int]]:
    """Two servers that say who they are."""
    (one, first), (two, second) = answering(b"one"), answering(b"two")
    yield one, two
    first.close()
    second.close()


def asked(port: int) -> bytes:
    """Return what is answered over a new connection."""
    with socket.create_connection(("127.0.0.1", port), 5) as near:
        near.settimeout(0.3)
        near.sendall(b"who")
        return near.recv(100)


def test_it_passes_on_hangs_and_leads_elsewhere(servers: tuple[int, int]) -> None:
    """Each as a client sees it; an open connection is cut when the way changes, so that it finds the new one."""
    proxy = Proxy(servers[0])
    proxy.start()
    try:
        assert asked(proxy.port) == b"one"
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as kept:
            kept.settimeout(2)
            kept.sendall(b"who")
            assert kept.recv(100) == b"one"
            proxy.lead(None)
            kept.settimeout(0.3)
            kept.sendall(b"who")
            with pytest.raises(TimeoutError):
                kept.recv(100)
            with pytest.raises(TimeoutError):
                asked(proxy.port)
            proxy.lead(servers[1])
            kept.settimeout(2)
            with contextlib.suppress(ConnectionResetError):
                assert kept.recv(100) == b""
        assert asked(proxy.port) == b"two"
    finally:
        proxy.stop()
