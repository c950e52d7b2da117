"""REST requests, repeated within bounds while the server is away or asks to wait."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from telltale_client.backoff import Backoff
from telltale_client.errors import ApiError, NotFound, ServerUnreachable, StaleVersion
from telltale_client.event import dumps

ATTEMPT_S = 10.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
MOST_ATTEMPTS = 50
MOST_BYTES = 64 * 1024 * 1024

TRY_AGAIN = frozenset({429, 502, 503, 504})
KEY_IN_USE = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the server is: ``prefix`` stands before every path."""

    secure: bool
    host: str
    port: int | None
    prefix: str

    @classmethod
    def of(cls, url: str) -> Site:
        """From the server's address: http, https, ws or wss, as `Agent` takes it.

        Raises:
            ValueError: if it is no such address.
        """
        wrong = ValueError(f"{url!r} is not the address of a server, like https://host.")
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            raise wrong from None
        if not host or parts.scheme not in ("http", "https", "ws", "wss"):
            raise wrong
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("The address must hold neither a query nor a user.")
        secure = parts.scheme in ("https", "wss")
        return cls(secure, host, port, parts.path.rstrip("/").removesuffix("/ws/agent"))


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Rest:
    """Asks one server as one credential. May be used from any thread, and after a fork.

    Each request is a connection of its own. It is repeated after a broken connection, 429, 502,
    503, 504, and the 409 that says that its first try is still running: so ask only for what may be
    asked for twice. ``timeout_s`` bounds a request with all its repetitions.
    """

    def __init__(
        self,
        url: str,
        key: str,
        timeout_s: float,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connects to nothing yet.

        Raises:
            ValueError: if address, key or time-out cannot be right.
        """
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("The key must be visible ASCII, as the server handed it out.")
        if not timeout_s > 0:
            raise ValueError("timeout must be more than 0 seconds.")
        self._site = Site.of(url)
        self._key = key
        self._timeout_s = timeout_s
        self._ssl_context = ssl_context
        self._sleep = sleep

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. A query's None values are left out; a body is sent as JSON.

        Raises:
            ApiError: if the server refuses; `NotFound` and `StaleVersion` among them.
            ServerUnreachable: if it gave no answer in time.
            ValueError: if the body is no JSON.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = self._site.prefix + path + (f"?{urlencode(given)}" if given else "")
        payload = None if method == "GET" else dumps(body).encode()
        deadline = time.monotonic() + self._timeout_s
        backoff = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S)
        unsure = False
        for attempt in range(1, MOST_ATTEMPTS + 1):
            failure: ApiError | ServerUnreachable
            try:
                reply = self._ask(method, target, payload, headers or {}, deadline)
            except (OSError, http.client.HTTPException) as error:
                failure = ServerUnreachable(f"{method} {path}: {_words(error)}")
                failure.__cause__ = error
                unsure = unsure or not isinstance(error, ConnectionRefusedError)
                floor_s = 0.0
            else:
                if 200 <= reply.status < 300:
                    return _json(reply)
                failure = _refusal(reply, unsure=unsure)
                if not _is_passing(failure):
                    raise failure
                floor_s = failure.retry_after_s or 0.0
            wait_s = backoff.next_delay(floor_s)
            if attempt == MOST_ATTEMPTS or time.monotonic() + wait_s >= deadline:
                raise failure
            self._sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _ask(
        self,
        method: str,
        target: str,
        payload: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> _Reply:
        timeout_s = max(0.05, min(ATTEMPT_S, deadline - time.monotonic()))
        connection = self._connection(timeout_s)
        given = {
            "Authorization": f"Bearer {self._key}",
            "User-Agent": "telltale-client-python",
            "Accept": "application/json",
            "Connection": "close",
            **({} if payload is None else {"Content-Type": "application/json"}),
            **headers,
        }
        try:
            connection.request(method, target, payload, given)
            response = connection.getresponse()
            body = response.read(MOST_BYTES + 1)
        finally:
            connection.close()
        if len(body) > MOST_BYTES:
            raise http.client.HTTPException(f"the answer is over {MOST_BYTES} bytes")
        return _Reply(response.status, response.headers, body)

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        site = self._site
        if not site.secure:
            return http.client.HTTPConnection(site.host, site.port, timeout=timeout_s)
        context = self._ssl_context or ssl.create_default_context()
        return http.client.HTTPSConnection(site.host, site.port, timeout=timeout_s, context=context)


def in_path(name: str) -> str:
    """An id as one part of a path, whatever it holds."""
    return quote(name, safe="")


def _is_passing(failure: ApiError) -> bool:
    return failure.status in TRY_AGAIN or failure.code == KEY_IN_USE


def _refusal(reply: _Reply, *, unsure: bool) -> ApiError:
    try:
        members = json.loads(reply.body)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        members = {"detail": http.client.responses.get(reply.status, "No problem was described.")}
    kind = {404: NotFound, 412: StaleVersion}.get(reply.status, ApiError)
    try:
        retry_after_s = float(reply.headers.get("Retry-After", ""))
    except ValueError:
        retry_after_s = None
    return kind(reply.status, members, retry_after_s=retry_after_s, unsure=unsure)


def _json(reply: _Reply) -> Any:
    try:
        return json.loads(reply.body) if reply.body else None
    except ValueError:
        raise ServerUnreachable("The answer is no JSON: is this the address of Telltale?") from None


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
