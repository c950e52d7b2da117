"""Reading a request's body: bounded in size, before and after gunzip, in time, and in all."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import gevent
from flask import Flask, Request, request
from werkzeug.exceptions import HTTPException

from app.core.errors import (
    BadRequest,
    PayloadTooLarge,
    RequestTimeout,
    Unavailable,
    UnsupportedMediaType,
)
from app.core.logging import get_logger

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
MAX_FORM_BYTES: Final = 64 * 1024
"""What a body may have that is not events: a sign-in and the like."""

SMALL_BYTES: Final = 64 * 1024
MAX_LARGE_BYTES: Final = 128 * 1024 * 1024
"""What all bodies of one process may hold together beyond the first 64 KiB of each, as they came or
unpacked.
"""

MAX_SMALL_BYTES: Final = 128 * 1024 * 1024
"""The same for the first 64 KiB of each: whoever sends little has a share of its own, and is not
kept waiting by those who send much.
"""

MAX_GZIP_MEMBERS: Final = 1000

_CHUNK: Final = 65_536
_GZIP: Final = 31

log = get_logger(__name__)


class TooManyBodies(Unavailable):
    """So much is being uploaded at once that memory would run out."""

    code, title = "too_many_uploads", "Too much is being uploaded at once"


class Memory:
    """What the bodies of one process hold together."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._small = 0
        self._large = 0

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Room for one body, until the block ends."""
        room = Room(self, self._timeout_s)
        try:
            yield room
        finally:
            room.hold(0)

    def change(self, before: int, after: int) -> None:
        """One body has grown or shrunk.

        Raises:
            TooManyBodies: it would be too much, and nothing has changed.
        """
        small = self._small + min(after, SMALL_BYTES) - min(before, SMALL_BYTES)
        large = self._large + max(after, SMALL_BYTES) - max(before, SMALL_BYTES)
        if (small > self._small and small > MAX_SMALL_BYTES) or (
            large > self._large and large > MAX_LARGE_BYTES
        ):
            raise TooManyBodies(retry_after_s=1)
        self._small, self._large = small, large


class Room:
    """What one request's body takes of the memory that all bodies share."""

    def __init__(self, memory: Memory, timeout_s: float) -> None:
        self._memory = memory
        self._timeout_s = timeout_s
        self.held = 0

    def hold(self, size: int) -> None:
        """Have this much from now on, instead of what was held before.

        Raises:
            TooManyBodies: others hold so much that there is no more.
        """
        self._memory.change(self.held, size)
        self.held = size

    def body(self, asked: Request) -> bytes:
        """A request's body, decompressed. It is not kept here, but counts until the room is left.

        Raises:
            PayloadTooLarge: over 5 MiB, or it becomes that.
            RequestTimeout: it did not come in time.
            BadRequest: it is cut short, or not the gzip that it says it is.
            UnsupportedMediaType: another content encoding.
            TooManyBodies: others are uploading too much.
        """
        encoding = asked.headers.get("Content-Encoding", "identity").lower()
        if encoding not in {"identity", "gzip"}:
            raise UnsupportedMediaType(f"The content encoding {encoding} is not understood.")
        _check_announced(asked, MAX_BODY_BYTES)
        parts: list[bytes] = []
        with _in_time(self._timeout_s):
            for part in _parts(asked, MAX_BODY_BYTES):
                self.hold(self.held + len(part))
                parts.append(part)
        raw = b"".join(parts)
        if encoding == "identity":
            return raw
        # Nothing else runs meanwhile, so only what is left afterwards can add up.
        body = _gunzip(raw)
        self.hold(len(body))
        return body


def bound_other_bodies(app: Flask, memory: Memory, timeout_s: float, *, unbound: str) -> None:
    """Read the small bodies of all endpoints but ``unbound`` before these do, within bounds."""

    @app.before_request
    def read() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or request.endpoint in {None, unbound}:
            return
        _check_announced(request, MAX_FORM_BYTES)
        # Chunks without an announced length are cut off there, silently: hence one byte more.
        request.max_content_length = MAX_FORM_BYTES + 1
        with memory.room() as room:
            room.hold(MAX_FORM_BYTES if request.content_length is None else request.content_length)
            with _in_time(timeout_s), _whole():
                size = len(request.get_data(cache=True))
        if size > MAX_FORM_BYTES:
            raise PayloadTooLarge(f"A body may have {MAX_FORM_BYTES} bytes here.")


def _check_announced(asked: Request, most: int) -> None:
    if asked.content_length is not None and asked.content_length > most:
        raise PayloadTooLarge(f"A body may have {most} bytes here.")


@contextmanager
def _in_time(timeout_s: float) -> Iterator[None]:
    try:
        with gevent.Timeout(timeout_s):
            yield
    except gevent.Timeout:
        raise RequestTimeout(f"The body took longer than {timeout_s:g} s.") from None


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:
        # The server's errors about chunks have no base that we could name without importing it.
        log.debug("body_broken", error=repr(error))
        raise BadRequest("The body is cut short, or its chunks are wrong.") from None


def _parts(asked: Request, most: int) -> Iterator[bytes]:
    size = 0
    while True:
        with _whole():
            part = asked.stream.read(_CHUNK)
        if not part:
            return
        size += len(part)
        if size > most:
            raise PayloadTooLarge(f"A body may have {most} bytes here.")
        yield part


def _gunzip(raw: bytes) -> bytes:
    """All members, one after the other (RFC 1952); a bomb is given up at the first byte too many.

    Raises:
        PayloadTooLarge: it becomes more than 5 MiB.
        BadRequest: it is not gzip, cut short, or in more pieces than anybody needs.
    """
    body = bytearray()
    members = 0
    inflate = None
    for start in range(0, len(raw), _CHUNK):
        piece = raw[start : start + _CHUNK]
        while piece:
            if inflate is None:
                members += 1
                inflate = zlib.decompressobj(wbits=_GZIP)
            try:
                body += inflate.decompress(piece, MAX_BODY_BYTES + 1 - len(body))
            except zlib.error:
                raise BadRequest("The body is not valid gzip.") from None
            if len(body) > MAX_BODY_BYTES:
                raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes after gunzip.")
            if members > MAX_GZIP_MEMBERS:
                raise BadRequest(f"The gzip body has more than {MAX_GZIP_MEMBERS} members.")
            piece = inflate.unused_data
            inflate = None if inflate.eof else inflate
    if members == 0 or inflate is not None:
        raise BadRequest("The gzip body ends too early.")
    return bytes(body)
