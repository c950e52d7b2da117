"""A bell that one thread rings and another hears while it waits for its socket."""

from __future__ import annotations

import contextlib
import selectors
import socket


class Wakeup:
    """A pair of connected sockets; it can be registered with a selector."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)

    def fileno(self) -> int:
        """What becomes readable when the bell rings."""
        return self._near.fileno()

    def ring(self) -> None:
        """Wake the waiting thread. More than one ring before it hears is one."""
        # A full pipe means that enough rings are waiting; a closed one, that nobody listens.
        with contextlib.suppress(OSError):
            self._far.send(b"\0")

    def clear(self) -> None:
        """Forget the rings so far."""
        with contextlib.suppress(OSError):
            while len(self._near.recv(4096)) == 4096:
                pass

    def wait(self, timeout_s: float) -> None:
        """Until it rings, or the time is over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._near, selectors.EVENT_READ)
            selector.select(timeout_s)
        self.clear()

    def close(self) -> None:
        """Close both ends."""
        self._near.close()
        self._far.close()
