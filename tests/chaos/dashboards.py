"""Dashboards: on a socket (protocol.md §5), by server-sent events, and by long polling."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from tests.chaos.watching import Watcher
from tests.chaos.wire import Frame, Lost, Socket

SUBSCRIPTION = "live"
WELCOME_S = 6.0
SILENT_INTERVALS = 2.5
POLL_S = 2
TIMEOUT_S = 6.0
STAY_S = (2.0, 12.0)
"""After a while of its own choosing a dashboard is gone without a word, and comes back."""


class SocketDashboard(Watcher):
    """Subscribes with its cursor, to any web process."""

    filter: Frame | None = None

    def run(self) -> None:
        while not self._ended.is_set():
            wait_s = self._random.uniform(0.02, 0.3)
            try:
                with Socket(self._random.choice(self._urls), "/ws/dashboard", self._key) as socket:
                    self._look(socket, time.monotonic() + self._random.uniform(*STAY_S))
            except Lost as lost:
                wait_s = max(wait_s, lost.retry_after_s)
                if lost.code >= 4500 or lost.code in {401, 403, 404}:
                    self.complain(f"was sent away: {lost} ({lost.code})")
            self._ended.wait(wait_s)

    def _look(self, socket: Socket, leave_at: float) -> None:
        welcome = socket.receive(WELCOME_S)
        if welcome is None or welcome["type"] != "welcome":
            raise Lost(f"no welcome: {welcome}")
        subscribe: Frame = {"type": "subscribe", "id": SUBSCRIPTION}
        if self.cursor is not None:
            subscribe["cursor"] = self.cursor
        if self.filter is not None:
            subscribe["filter"] = self.filter
        socket.send(json.dumps(subscribe).encode())
        interval_s = welcome["ping_interval_s"]
        pinged = time.monotonic()
        while not self._ended.is_set() and (time.monotonic() < leave_at or self.cursor is None):
            frame = socket.receive(0.1)
            if frame is not None:
                self._take(frame)
            now = time.monotonic()
            if now - pinged > interval_s:
                socket.send(b'{"type":"ping"}')
                pinged = now
            if now - socket.heard_at > SILENT_INTERVALS * interval_s:
                raise Lost("the server gives no sign of life")

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "events":
                self.show(frame["items"], frame["cursor"])
            case "caught_up" | "heads":
                self.cursor = frame["cursor"]
            case "snapshot" if self.cursor is None:
                self.begin(frame["cursor"])
            case "snapshot" | "dropped":
                self.complain(f"got {frame['type']} in the middle")
                self.cursor = frame["cursor"]
            case "resumed" if not frame["recovered"]:
                self.complain(f"was not recovered: {frame}")


class AgentDashboard(SocketDashboard):
    """Looks at some agents only."""

    def watch(self, agent_ids: list[str]) -> None:
        """Say which; before the start."""
        self.filter = {"agent_ids": agent_ids}
        wanted = frozenset(agent_ids)
        self.wants = lambda event: event["agent_id"] in wanted


class HttpWatcher(Watcher):
    """A reader without a socket; it begins behind a cursor that somebody else was given."""

    def run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._read()
            self._ended.wait(self._random.uniform(0.02, 0.3))

    def _read(self) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def _get(self, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        url = urlsplit(self._random.choice(self._urls))
        connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
        try:
            headers["Authorization"] = f"Bearer {self._key}"
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            if response.status not in {http.client.OK, http.client.SERVICE_UNAVAILABLE}:
                self.complain(f"{path}: {response.status} {response.read(300)!r}")
            yield response
        finally:
            connection.close()


class Poller(HttpWatcher):
    """``GET /v1/events?after=…&wait=…``."""

    def _read(self) -> None:
        assert self.cursor is not None
        query = urlencode({"after": self.cursor, "wait": POLL_S, "limit": 500})
        with self._get(f"/v1/events?{query}") as response:
            if response.status == http.client.OK:
                page = json.loads(response.read())
                self.show(page["items"], page["next"])


class StreamReader(HttpWatcher):
    """``GET /v1/stream`` with ``Last-Event-ID``."""

    def _read(self) -> None:
        assert self.cursor is not None
        leave_at = time.monotonic() + self._random.uniform(*STAY_S)
        with self._get("/v1/stream", **{"Last-Event-ID": self.cursor}) as response:
            if response.status != http.client.OK:
                return
            page: list[Frame] = []
            for last_id, name, data in _messages(response):
                if name == "event":
                    page.append(json.loads(data))
                if last_id:
                    # Only behind an id may one leave: a page is taken up again as a whole.
                    self.show(page, last_id)
                    page = []
                    if self._ended.is_set() or time.monotonic() > leave_at:
                        return


def _messages(response: http.client.HTTPResponse) -> Iterator[tuple[str, str, str]]:
    """The messages of a stream: id, event, data."""
    fields = {"id": "", "event": "", "data": ""}
    for raw in response:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields["event"]:
            yield fields["id"], fields["event"], fields["data"]
            fields = {"id": "", "event": "", "data": ""}
