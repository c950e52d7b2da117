"""A reader of server-sent events, as a browser is one (``GET /v1/stream``)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.integration.tenants import Tenant


class Message(NamedTuple):
    """A dispatched event, as the HTML standard has a browser read it."""

    id: str
    kind: str
    data: str


class EventSource:
    """Reads a stream as a browser does."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.response = response
        self.last_id = ""

    def next(self) -> Message:
        """The next message; comments and empty lines are passed over."""
        kind = "message"
        data: list[str] = []
        while True:
            line = self.response.readline().decode()
            assert line.endswith("\n"), "the stream has ended"
            line = line.rstrip("\r\n")
            if not line:
                if data:
                    return Message(self.last_id, kind, "\n".join(data))
                kind, data = "message", []
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)

    def events(self, amount: int) -> list[dict[str, Any]]:
        """The next so many events."""
        found: list[dict[str, Any]] = []
        while len(found) < amount:
            message = self.next()
            if message.kind == "event":
                found.append(json.loads(message.data))
        return found


@contextmanager
def stream(
    tenant: Tenant, last_id: str = "", url: str = "", key: str = "", **query: str
) -> Iterator[EventSource]:
    """An open stream, with the key of a viewer if no other is given."""
    connection = http.client.HTTPConnection(urlsplit(url or tenant.url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {key or tenant.viewer}", "Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        connection.request("GET", f"/v1/stream?{urlencode(query)}", headers=headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        assert response.readline() == b": telltale\n"
        yield EventSource(response)
    finally:
        connection.close()
