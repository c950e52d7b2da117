"""Which pages may open sockets: those on the list, and our own (docs/decisions/same-origin.md)."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from flask import Request

_PORTS: Final = {"http": 80, "https": 443}
_PLAIN: Final = {"ws": "http", "wss": "https"}


class Origins:
    """The origins that are let in. ``bound_to`` is the address that the server listens at: on a
    loopback address only the list counts.
    """

    def __init__(self, listed: tuple[str, ...], bound_to: str) -> None:
        self._listed = frozenset(listed)
        self._own_too = not _is_loopback(bound_to)

    def allow(self, asked: Request) -> bool:
        """Whether this request may open a socket. A client that is no page names no origin."""
        origin = asked.headers.get("Origin")
        if origin is None or origin in self._listed:
            return True
        if not self._own_too:
            return False
        theirs = _place(origin)
        return theirs is not None and theirs == _place(f"{scheme_of(asked)}://{asked.host}")


def scheme_of(asked: Request) -> str:
    """``http`` or ``https``, as the browser spoke to us or to the proxy in front of us.

    A page cannot set the proxy's header on its requests, so it may be believed here.
    """
    forwarded = asked.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
    spoken = forwarded or asked.scheme
    return _PLAIN.get(spoken, spoken)


def _place(address: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None if the address has no such."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
