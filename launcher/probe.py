"""Asks a web process how it is."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

TIMEOUT_S = 3.0


class Probe:
    """Asks for ``/readyz`` (its parts answer too) or ``/healthz`` (it lives) at one address.

    With a ``key`` it asks as its bearer. ``last`` is the newest answer, for a message.
    """

    def __init__(self, url: str, path: str, *, key: str = "") -> None:
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._address = urlsplit(url).netloc
        self._path = path
        self.last = "no answer"

    def __call__(self) -> bool:
        """Whether the answer is 200."""
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)
        try:
            connection.request("GET", self._path, headers=self._headers)
            response = connection.getresponse()
            body = response.read(2000).decode(errors="replace").strip()
            self.last = f"{response.status} {body}"
            return response.status == http.client.OK
        except (OSError, http.client.HTTPException) as error:
            self.last = str(error) or type(error).__name__
            return False
        finally:
            connection.close()
