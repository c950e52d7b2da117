"""gunicorn's gevent worker, which answers what is no HTTP with a problem too (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

LINE_TOO_LONG: Final = (414, "uri_too_long", "The request's first line is too long")
HEADERS_TOO_LARGE: Final = (431, "headers_too_large", "The headers are too many or too long")
NO_HTTP: Final = (400, "bad_request", "The request cannot be read")


class Worker(GeventWorker):
    """What cannot be parsed never gets as far as the app, and is answered here."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Called by gunicorn for a request that it cannot parse, and when it has failed itself."""
        # What the app has answered wrongly is no fault of the client.
        ours = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)  # type: ignore[attr-defined]
        if not isinstance(exc, errors.ParseException) or isinstance(exc, ours):
            super().handle_error(req, client, addr, exc)
            return
        # The app's modules must not be there before gevent has patched what they stand on.
        from app.api.problems import problem_response

        if isinstance(exc, errors.LimitRequestLine):
            status, code, title = LINE_TOO_LONG
        elif isinstance(exc, errors.LimitRequestHeaders):
            status, code, title = HEADERS_TOO_LARGE
        else:
            status, code, title = NO_HTTP
        self.log.info("Invalid request from ip=%s: %s", (addr or ("",))[0], exc)
        response = problem_response(status, code, title, f"{title}.")
        response.headers["Connection"] = "close"
        head = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        try:
            util.write_nonblock(
                client,
                f"HTTP/1.1 {response.status}\r\n{head}\r\n".encode("latin-1") + response.data,
            )
        except OSError as error:
            self.log.debug("The client has gone: %s", error)
