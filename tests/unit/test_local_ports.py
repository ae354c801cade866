"""Ports that a server can come back on."""

import socket
from collections.abc import Iterator

import pytest

from deploy.local import ports
from deploy.local.errors import PartFailedError


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_free_port_from_before_is_kept() -> None:
    """Clients that were configured once keep working after `down` and `up`."""
    port = ports.pick()
    assert ports.keep_or_pick(port) == port


def test_a_taken_port_is_left_to_its_holder(taken: int) -> None:
    """Another program may have come in between."""
    assert ports.keep_or_pick(taken) != taken


def test_two_ports_of_one_server_differ() -> None:
    """Broker and controller listen on one each."""
    port = ports.pick()
    assert ports.keep_or_pick(port, frozenset({port})) != port


def test_ports_lie_below_the_range_for_outgoing_connections() -> None:
    """Inside it a client that retries a dead server can connect to itself and hold the port for good."""
    assert all(ports.pick() < 32_768 for _ in range(100))


def test_no_port_left_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better than an endless search."""
    monkeypatch.setattr(ports, "is_free", lambda _port: False)
    with pytest.raises(PartFailedError, match="no free port"):
        ports.pick()
