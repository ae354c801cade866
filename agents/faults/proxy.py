"""A switchboard before Redis: passes on, hangs, or leads to another server, without anybody reconnecting by hand."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Final

CHUNK: Final = 1 << 16
LOOK_S: Final = 0.1
CONNECT_LIMIT_S: Final = 5.0


class Proxy(threading.Thread):
    """Listens on `port`; `upstream` is a port on this machine, None = accept and never answer."""

    def __init__(self, upstream: int) -> None:
        super().__init__(name="proxy", daemon=True)
        self._upstream: int | None = upstream
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._ways: dict[socket.socket, socket.socket] = {}
        self._held: list[socket.socket] = []
        self._lock, self._over = threading.Lock(), threading.Event()

    def lead(self, upstream: int | None) -> None:
        """Lead new connections elsewhere and cut those that are open; None hangs the open ones as well."""
        with self._lock:
            self._upstream = upstream
            for one in list(self._ways):
                if upstream is None:
                    self._selector.unregister(one)
                    self._held.append(one)
                else:
                    self._close(one)
            self._ways.clear()
            if upstream is not None:
                for one in self._held:
                    one.close()
                self._held.clear()

    def run(self) -> None:
        """Carry bytes until `stop`."""
        while not self._over.is_set():
            for key, _ in self._selector.select(LOOK_S):
                with self._lock:
                    self._serve(key.fileobj)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Close everything."""
        self._over.set()
        self.join()
        self.lead(0)
        self._listening.close()
        self._selector.close()

    def _serve(self, ready: socket.socket) -> None:
        if ready is self._listening:
            self._accept()
        elif ready in self._ways:
            self._carry(ready)

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        if self._upstream is None:
            self._held.append(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._upstream), CONNECT_LIMIT_S)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.settimeout(CONNECT_LIMIT_S)
            self._ways[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _carry(self, one: socket.socket) -> None:
        other = self._ways[one]
        with contextlib.suppress(OSError):
            data = one.recv(CHUNK)
            if data:
                other.sendall(data)
                return
        for end in (one, other):
            self._ways.pop(end, None)
            self._close(end)

    def _close(self, one: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(one)
        one.close()
