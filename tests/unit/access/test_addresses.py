"""Where a request comes from: what our own proxies say is believed, what clients say is not."""

from __future__ import annotations

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from app.access.addresses import address_of


def asked(remote: str, *forwarded: str) -> Request:
    builder = EnvironBuilder(environ_overrides={"REMOTE_ADDR": remote})
    for value in forwarded:
        builder.headers.add("X-Forwarded-For", value)
    return Request(builder.get_environ())


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "expected"),
    [
        ("10.0.0.1", (), 0, "10.0.0.1"),
        ("10.0.0.1", ("1.2.3.4",), 0, "10.0.0.1"),
        ("10.0.0.1", ("1.2.3.4",), 1, "1.2.3.4"),
        ("10.0.0.1", ("9.9.9.9, 1.2.3.4",), 1, "1.2.3.4"),
        ("10.0.0.1", ("9.9.9.9", "1.2.3.4"), 1, "1.2.3.4"),
        ("10.0.0.1", ("9.9.9.9, 1.2.3.4, 5.6.7.8",), 2, "1.2.3.4"),
        ("10.0.0.1", ("1.2.3.4",), 2, "10.0.0.1"),
        ("10.0.0.1", (), 1, "10.0.0.1"),
        ("10.0.0.1", ("no address" * 100,), 1, ("no address" * 100)[:64]),
        ("2001:db8:1:2:3::4", (), 0, "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", (), 0, "1.2.3.4"),
        ("", (), 0, ""),
    ],
)
def test_an_address(remote: str, forwarded: tuple[str, ...], proxies: int, expected: str) -> None:
    assert address_of(asked(remote, *forwarded), proxies) == expected
