"""Reading a request's body: bounded in size, before and after gunzip, and in time."""

from __future__ import annotations

import zlib

import gevent
from flask import Request

from app.core.errors import BadRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType

MAX_BODY_BYTES = 5 * 1024 * 1024
_CHUNK = 65_536


def read_body(request: Request, timeout_s: float) -> bytes:
    """The body, decompressed.

    Raises:
        PayloadTooLarge: over 5 MiB, or it becomes that.
        RequestTimeout: it did not come in time.
        BadRequest: it is not the gzip that it says it is.
        UnsupportedMediaType: another content encoding.
    """
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.")
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise UnsupportedMediaType(f"The content encoding {encoding} is not understood.")
    try:
        with gevent.Timeout(timeout_s):
            raw = _read(request)
    except gevent.Timeout:
        raise RequestTimeout(f"The body took longer than {timeout_s:g} s.") from None
    return raw if encoding == "identity" else _gunzip(raw)


def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := request.stream.read(_CHUNK):
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes.")
        parts.append(part)
    return b"".join(parts)


def _gunzip(raw: bytes) -> bytes:
    # One byte more than allowed is enough to know that a bomb is one.
    inflate = zlib.decompressobj(wbits=31)
    try:
        body = inflate.decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise BadRequest("The body is not valid gzip.") from None
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A body may have {MAX_BODY_BYTES} bytes after gunzip.")
    if not inflate.eof:
        raise BadRequest("The gzip body ends too early.")
    return body
