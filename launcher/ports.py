"""TCP ports: is this one free, and which one is."""

from __future__ import annotations

import errno
import socket

from launcher.errors import PlaceUnusable


def claim(host: str, port: int) -> int:
    """The port to listen on: ``port`` if it is free, any free one for 0.

    Raises:
        PlaceUnusable: it is in use, or this machine does not have the address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PlaceUnusable(
                f"Port {port} on {host} is in use by another program; "
                f"stop that one, or choose another port with PORT or --port."
            ) from None
        if error.errno == errno.EACCES:
            raise PlaceUnusable(
                f"This user may not listen on port {port}; choose one from 1024 on."
            ) from None
        raise PlaceUnusable(f"Cannot listen on HOST {host!r}: {error.strerror}.") from None


def address(host: str, port: int) -> str:
    """The address at which this machine reaches a server that listens on ``host``."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
