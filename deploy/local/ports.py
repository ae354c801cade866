"""Ports on 127.0.0.1 for servers that must come back on the same port."""

from __future__ import annotations

import contextlib
import random
import socket

from deploy.local.errors import PartFailedError

HOST = "127.0.0.1"
# Below the range that systems give to outgoing connections: a client that retries a dead port inside that
# range can be given the same port for its own end, connect to itself, and keep the server from coming back.
RANGE = range(20_000, 30_000)
TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return True
    return False


def pick(taken: frozenset[int] = frozenset()) -> int:
    """Return a free port that is not among `taken`."""
    for port in random.sample(RANGE, TRIES):
        if port not in taken and is_free(port):
            return port
    tried = f"{RANGE.start}-{RANGE.stop - 1}"
    raise PartFailedError("no free port", tried, "stop what listens on 127.0.0.1 there")


def keep_or_pick(before: int | None, taken: frozenset[int] = frozenset()) -> int:
    """Return the port from before when it is still free, else another."""
    if before is not None and before not in taken and is_free(before):
        return before
    return pick(taken)
