"""A WebSocket over a real socket: opened with time-outs, then never blocking, for one thread."""

from __future__ import annotations

import contextlib

# What getaddrinfo looks up on its first call. Loaded now: a fork while the sender thread imports it
# would leave the child with half a module.
import encodings.idna  # noqa: F401
import json
import selectors
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from telltale_client.errors import ConnectFailed, CredentialsRefused
from telltale_client.frames import SUBPROTOCOL
from telltale_client.wakeup import Wakeup

_CHUNK = 65536
_MOST_READ = 16 * _CHUNK
_MOST_MESSAGE = 8 * 1024 * 1024
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, as whom, and within how many seconds."""

    uri: str
    key: str
    timeout_s: float
    ssl_context: ssl.SSLContext | None = None

    @classmethod
    def of(
        cls, url: str, key: str, timeout_s: float, ssl_context: ssl.SSLContext | None
    ) -> Endpoint:
        """From the server's address: http, https, ws or wss, with or without ``/ws/agent``.

        Raises:
            ValueError: if it is no such address, or if the key cannot stand in a header.
        """
        uri = url.strip().rstrip("/")
        for scheme, socket_scheme in (("http://", "ws://"), ("https://", "wss://")):
            uri = uri.replace(scheme, socket_scheme, 1) if uri.startswith(scheme) else uri
        if not uri.endswith("/ws/agent"):
            uri += "/ws/agent"
        try:
            parsed = parse_uri(uri)
        except (InvalidURI, ValueError):
            raise ValueError(
                f"{url!r} is not the address of a server, like https://host."
            ) from None
        if parsed.query or parsed.user_info:
            raise ValueError("The address must hold neither a query nor a user.")
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("The key must be visible ASCII, as the server handed it out.")
        return cls(uri, key, timeout_s, ssl_context)


class Transport:
    """An open WebSocket. ``closed`` is (code, reason) once it is no longer open."""

    def __init__(self, endpoint: Endpoint, wakeup: Wakeup) -> None:
        """Connect and shake hands.

        Raises:
            ConnectFailed: if that did not work this time.
            CredentialsRefused: if the server does not accept the key.
        """
        self.closed: tuple[int, str] | None = None
        self._wakeup = wakeup
        self._out = memoryview(b"")
        self._more = True
        self._interest = selectors.EVENT_READ
        self._fragments: list[bytes] = []
        uri = parse_uri(endpoint.uri)
        self._protocol = ClientProtocol(
            uri, subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=_MOST_MESSAGE
        )
        deadline = time.monotonic() + endpoint.timeout_s
        try:
            self._socket = _open_socket(uri, endpoint)
        except OSError as error:
            raise ConnectFailed(f"{uri.host}:{uri.port}: {error}") from error
        try:
            self._messages = self._shake_hands(endpoint, deadline)
        except BaseException:
            self._socket.close()
            raise
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(wakeup, selectors.EVENT_READ)

    @property
    def backlogged(self) -> bool:
        """Whether the socket has not taken everything yet that was sent."""
        return bool(self._out)

    def send(self, messages: Iterable[bytes]) -> None:
        """Send text messages; what the socket does not take now goes out during `wait`."""
        if self.closed is None:
            for message in messages:
                self._protocol.send_text(message)
            self._write()

    def wait(self, timeout_s: float) -> None:
        """Until bytes arrive, the backlog can move, the wake-up rings, or the time is over."""
        if self.closed is not None:
            return
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        if interest != self._interest:
            self._selector.modify(self._socket, interest)
            self._interest = interest
        ready = self._selector.select(0 if self._more or self._messages else max(0.0, timeout_s))
        sources = [key.fileobj for key, events in ready if events & selectors.EVENT_READ]
        if self._wakeup in sources:
            self._wakeup.clear()
        self._more = self._more or self._socket in sources
        self._write()

    def receive(self) -> tuple[list[bytes], bool]:
        """The whole messages that have arrived, and whether any byte has."""
        messages, self._messages = self._messages, []
        read = 0
        while self._more and self.closed is None:
            try:
                data = self._socket.recv(_CHUNK)
            except _WOULD_BLOCK:
                self._more = False
                break
            except OSError as error:
                self._end(1006, str(error))
                break
            if not data:
                self._protocol.receive_eof()
                self._end(1006, "the server closed the connection without a word")
                break
            read += len(data)
            self._protocol.receive_data(data)
            messages += self._take_events()
            if read >= _MOST_READ:
                break
        self._write()
        return messages, read > 0

    def close(self, timeout_s: float = 1.0) -> None:
        """Say goodbye, wait for the answer for a moment, and close the socket."""
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(Exception):
            if self.closed is None and self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                self._write()
                while self.closed is None and (rest := deadline - time.monotonic()) > 0:
                    self.wait(rest)
                    self.receive()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the socket without a word to the server."""
        self._selector.close()
        self._socket.close()
        self.closed = self.closed or (1006, "abandoned")

    def _shake_hands(self, endpoint: Endpoint, deadline: float) -> list[bytes]:
        """Returns the messages that came together with the answer."""
        protocol = self._protocol
        request = protocol.connect()
        request.headers["Authorization"] = f"Bearer {endpoint.key}"
        request.headers["User-Agent"] = "telltale-client-python"
        protocol.send_request(request)
        try:
            self._socket.sendall(b"".join(protocol.data_to_send()))
            while protocol.state is State.CONNECTING and protocol.handshake_exc is None:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                data = self._socket.recv(_CHUNK)
                protocol.receive_data(data) if data else protocol.receive_eof()
        except TimeoutError:
            raise ConnectFailed("the server did not answer the handshake in time") from None
        except (OSError, EOFError) as error:
            raise ConnectFailed(f"the handshake broke off: {error}") from error
        if protocol.handshake_exc is not None:
            raise _refusal(protocol.handshake_exc)
        return self._take_events()

    def _take_events(self) -> list[bytes]:
        messages: list[bytes] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._fragments.append(bytes(event.data))
                if event.fin:
                    messages.append(b"".join(self._fragments))
                    self._fragments.clear()
        if self._protocol.close_rcvd is not None:
            self._end(self._protocol.close_rcvd.code, self._protocol.close_rcvd.reason)
        elif self._protocol.parser_exc is not None:
            self._end(1006, f"the server broke the WebSocket protocol: {self._protocol.parser_exc}")
        return messages

    def _write(self) -> None:
        """Move what is to be sent into the socket, as far as it goes."""
        fresh = self._protocol.data_to_send()
        if fresh:
            self._out = memoryview(b"".join([self._out, *fresh]))
        try:
            while self._out:
                self._out = self._out[self._socket.send(self._out) :]
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            self._out = memoryview(b"")
            self._end(1006, str(error))

    def _end(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)


def _open_socket(uri: WebSocketURI, endpoint: Endpoint) -> socket.socket:
    plain = socket.create_connection((uri.host, uri.port), endpoint.timeout_s)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not uri.secure:
            return plain
        context = endpoint.ssl_context or ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=uri.host)
    except BaseException:
        plain.close()
        raise


def _refusal(error: Exception) -> ConnectFailed | CredentialsRefused:
    """What the server's refusal of the handshake means."""
    if not isinstance(error, InvalidStatus):
        words = error if isinstance(error, InvalidHandshake) else repr(error)
        return ConnectFailed(f"the handshake failed: {words}")
    response = error.response
    detail = f"HTTP {response.status_code}: {_problem(response)}"
    if response.status_code in (401, 403):
        return CredentialsRefused(detail)
    try:
        retry_after_s = float(response.headers.get("Retry-After", "0"))
    except ValueError:
        retry_after_s = 0.0
    return ConnectFailed(detail, retry_after_s)


def _problem(response: Response) -> str:
    """The ``detail`` of a problem+json body, else the reason phrase."""
    try:
        return str(json.loads(response.body or b"")["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
