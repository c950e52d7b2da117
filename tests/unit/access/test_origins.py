"""Which pages may open sockets: the listed ones, and our own where we are on a network."""

from __future__ import annotations

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from app.access.origins import Origins, scheme_of

LISTED = ("https://ops.example",)
ANYWHERE = Origins(LISTED, "0.0.0.0")


def asked(host: str, origin: str | None, proto: str = "") -> Request:
    headers = {"Host": host}
    if origin is not None:
        headers["Origin"] = origin
    if proto:
        headers["X-Forwarded-Proto"] = proto
    return Request(EnvironBuilder(headers=headers).get_environ())


@pytest.mark.parametrize(
    ("host", "origin", "proto"),
    [
        ("telltale.example:8000", "http://telltale.example:8000", ""),
        ("Telltale.Example", "http://telltale.example", ""),
        ("telltale.example:80", "http://telltale.example", ""),
        ("[2001:db8::1]:8000", "http://[2001:db8::1]:8000", ""),
        ("app.herokuapp.example", "https://app.herokuapp.example", "https"),
        ("app.herokuapp.example", "https://app.herokuapp.example:443", "https, http"),
        ("app.example", "https://app.example", "wss"),
        ("telltale.example", "https://ops.example", ""),
        ("telltale.example", None, ""),
    ],
)
def test_our_own_page_a_listed_page_and_what_is_no_page_are_let_in(
    host: str, origin: str | None, proto: str
) -> None:
    assert ANYWHERE.allow(asked(host, origin, proto))


@pytest.mark.parametrize(
    ("host", "origin", "proto"),
    [
        ("telltale.example", "http://evil.example", ""),
        ("telltale.example:8000", "http://telltale.example:9000", ""),
        ("telltale.example:8000", "http://telltale.example", ""),
        ("telltale.example", "http://a.telltale.example", ""),
        ("telltale.example", "https://telltale.example", ""),
        ("telltale.example", "http://telltale.example", "https"),
        ("telltale.example", "null", ""),
        ("telltale.example", "", ""),
        ("telltale.example", "file://", ""),
        ("telltale.example", "http://telltale.example:port", ""),
        ("telltale.example", "http://", ""),
        ("", "http://", ""),
    ],
)
def test_a_page_from_elsewhere_is_not(host: str, origin: str, proto: str) -> None:
    assert not ANYWHERE.allow(asked(host, origin, proto))


@pytest.mark.parametrize("bound_to", ["127.0.0.1", "::1", "localhost", "127.8.9.1", "[::1]"])
def test_on_a_loopback_address_only_the_list_counts(bound_to: str) -> None:
    """A name that an attacker points at 127.0.0.1 is host and origin alike."""
    origins = Origins(LISTED, bound_to)
    assert not origins.allow(asked("rebound.example:8000", "http://rebound.example:8000"))
    assert not origins.allow(asked("127.0.0.1:8000", "http://127.0.0.1:8000"))
    assert origins.allow(asked("127.0.0.1:8000", "https://ops.example"))
    assert origins.allow(asked("127.0.0.1:8000", None))


def test_the_scheme_is_the_browsers() -> None:
    assert scheme_of(asked("a", None)) == "http"
    assert scheme_of(asked("a", None, "https")) == "https"
