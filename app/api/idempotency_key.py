"""The Idempotency-Key of a request (protocol §1): its answer is kept, and given again for a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from flask import Request, Response

from app.core.errors import BadRequest, KeyInUse, KeyReused
from app.storage import idempotency

if TYPE_CHECKING:
    from app.api.change import Change

MAX_KEY: Final = 255
REPLAYED: Final = "Idempotency-Replayed"
KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")


def claim_of(request: Request, project_id: UUID, secrets: tuple[str, ...]) -> Claim | None:
    """What a request claims; None if it has no key.

    Raises:
        BadRequest: the key is not one.
    """
    key = _key_of(request)
    if key is None:
        return None
    return Claim(project_id, request.path, key, _hash_of(request, secrets), secrets)


@dataclass(frozen=True, slots=True)
class Claim:
    """An Idempotency-Key, and what makes the request the same."""

    project_id: UUID
    path: str
    key: str
    request_hash: bytes
    secrets: tuple[str, ...]

    def answered(self, change: Change) -> Response | None:
        """The answer that was given already; None if this request is the first.

        Raises:
            KeyInUse: the first one is still running.
            KeyReused: the first one was another request.
        """
        place = (self.project_id, self.path, self.key)
        if not idempotency.claim(change.connection, *place):
            raise KeyInUse(retry_after_s=1)
        kept = idempotency.find(change.connection, *place)
        if kept is None:
            return None
        if kept.request_hash != self.request_hash:
            raise KeyReused("Use a key of its own for each request.")
        return _replayed(kept)

    def keep(self, change: Change, response: Response) -> Response:
        """Keep the answer with the change; returns it."""
        answer = self._answer(response)
        idempotency.keep(change.writes, self.project_id, self.path, self.key, answer)
        return response

    def keep_first(self, change: Change, response: Response) -> Response:
        """Keep the answer with a change that was made before anybody looked whether the key has its
        answer already; if so, the change fails. Returns the answer.
        """
        answer = self._answer(response)
        idempotency.keep_first(change.writes, self.project_id, self.path, self.key, answer)
        return response

    def _answer(self, response: Response) -> idempotency.Answer:
        headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
        body = _without(response.get_data(), self.secrets)
        return idempotency.Answer(self.request_hash, response.status_code, headers, body)


def _replayed(kept: idempotency.Answer) -> Response:
    response = Response(kept.body, status=kept.status, headers=kept.headers)
    response.headers[REPLAYED] = "true"
    return response


def _key_of(request: Request) -> str | None:
    """The Idempotency-Key, which may come in quotes."""
    given = request.headers.get("Idempotency-Key")
    if given is None or request.method != "POST":
        return None
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise BadRequest(f"Idempotency-Key must have 1 to {MAX_KEY} visible characters.")
    return key


def _hash_of(request: Request, secrets: tuple[str, ...]) -> bytes:
    """What makes it the same request: its query and its body; project and path are in the key.

    A quick hash of a password would be as good as the password, so secrets are left out.
    """
    body = _without(request.get_data(cache=True), secrets)
    return hashlib.sha256(request.query_string + b"\0" + body).digest()


def _without(body: bytes, secrets: tuple[str, ...]) -> bytes:
    if not secrets:
        return body
    members = msgspec.json.decode(body, type=dict[str, Any])
    hidden = {name: None for name in secrets if name in members}
    return msgspec.json.encode({**members, **hidden})
