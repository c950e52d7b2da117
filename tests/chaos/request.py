"""One request over HTTP, as a client without patience makes it."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 6.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` is the decoded JSON."""

    status: int
    headers: http.client.HTTPMessage
    body: Any


def ask(
    url: str, method: str, path: str, key: str, body: bytes | None = None, **headers: str
) -> Answer:
    """Ask on a connection of its own. Headers are given with underscores for their dashes.

    Raises:
        OSError, http.client.HTTPException, ValueError: there was no whole answer; the server may
            have done what was asked all the same.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, json.loads(response.read()))
    finally:
        connection.close()
