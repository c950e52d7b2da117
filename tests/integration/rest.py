"""A REST client for the tests: one request, one answer, nothing hidden."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 40.0

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in small letters."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """The body of an answer that must have this status."""
        assert self.status == status, f"{self.status}: {self.body[:2000]!r}"
        return self.json if self.body else None

    def problem(self, status: int, code: str, *members: str) -> dict[str, Any]:
        """The body of an answer that must be this problem (RFC 9457), and give nothing away.

        ``members`` are what its body may have beside those of every problem.
        """
        assert self.status == status, f"{self.status}: {self.body[:2000]!r}"
        assert self.headers["content-type"] == "application/problem+json"
        body: dict[str, Any] = self.json
        known = {"type", "title", "status", "detail", "code", "errors", *members}
        assert body.keys() <= known, body
        assert (body["status"], body["code"]) == (status, code), body
        assert body["type"].endswith(f":{code}")
        assert body["title"], body
        assert body["detail"], body
        assert b"Traceback" not in self.body
        assert b"psycopg" not in self.body
        return body


@dataclass(frozen=True, slots=True)
class Rest:
    """A server's address and a credential; without ``key`` none is sent."""

    url: str
    key: str = ""

    def get(self, path: str, headers: Headers | None = None, **query: Any) -> Answer:
        given = {name: value for name, value in query.items() if value is not None}
        return self.request("GET", path + (f"?{urlencode(given)}" if given else ""), None, headers)

    def post(
        self, path: str, body: Any = None, headers: Headers | None = None, *, kind: str = ""
    ) -> Answer:
        """``body`` is sent as it is if it is bytes (or an iterable of them, in chunks), else as
        JSON; ``kind`` is the content type.
        """
        if body is not None and not isinstance(body, bytes) and not _is_chunked(body):
            body = json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")
            kind = kind or "application/json"
        return self.request(
            "POST", path, body, {**({"Content-Type": kind} if kind else {}), **(headers or {})}
        )

    def patch(self, path: str, body: Any, version: object = None) -> Answer:
        """PATCH as JSON; ``version`` goes into If-Match."""
        headers = {"Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.request("PATCH", path, json.dumps(body).encode(), headers)

    def put(
        self, path: str, body: Any, version: object = None, *, first: bool = False, **query: Any
    ) -> Answer:
        """PUT as JSON; ``version`` goes into If-Match, ``first`` asks that there be none yet."""
        headers = {"Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        if first:
            headers["If-None-Match"] = "*"
        path += f"?{urlencode(query)}" if query else ""
        return self.request("PUT", path, json.dumps(body).encode(), headers)

    def delete(self, path: str, version: object = None) -> Answer:
        """DELETE; ``version`` goes into If-Match."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self.request("DELETE", path, None, headers)

    def send(self, *events: dict[str, Any], wait_s: float = 10) -> Any:
        """Send events and wait until they are stored; returns the receipt."""
        answer = self.post("/v1/events", list(events), {"Prefer": f"wait={wait_s:g}"})
        receipt = answer.ok()
        assert receipt["stored"] is True
        assert receipt["rejected"] == [], receipt
        return receipt

    def events(self, **query: Any) -> list[dict[str, Any]]:
        """One page of ``GET /v1/events``."""
        return list(self.get("/v1/events", **query).ok()["items"])

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_S)
        credential = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            connection.request(method, path, body, {**credential, **(headers or {})})
            return read_answer(connection)
        finally:
            connection.close()


def read_answer(connection: http.client.HTTPConnection) -> Answer:
    """The answer to the request that was just sent."""
    response = connection.getresponse()
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        response.headers.get_all("Set-Cookie") or [],
        response.read(),
    )


def _is_chunked(body: Any) -> bool:
    return hasattr(body, "__next__")
