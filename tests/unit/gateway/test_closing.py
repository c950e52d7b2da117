"""Every way in which we end a socket, by the table of the protocol."""

from __future__ import annotations

import pytest

from app.gateway import closing
from app.gateway.closing import Closing, bad_frame

MAY_RECONNECT = {1011, 4001, 4003, 4008, 4009, 4010, 4012}
MUST_NOT = {4500, 4501, 4503, 4504}

NAMED = {name: value for name, value in vars(closing).items() if isinstance(value, Closing)}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_closing_has_a_code_of_the_protocol_and_says_rightly_whether_to_come_back(
    name: str,
) -> None:
    named = NAMED[name]
    if named is closing.LEFT:
        assert named.code == 1000
        return
    assert named.code in MAY_RECONNECT | MUST_NOT
    assert named.reconnect == (named.code in MAY_RECONNECT)
    assert named.reconnect or named.retry_after_ms is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DRAINING", 4001),
        ("TOKEN_EXPIRED", 4003),
        ("RATE", 4008),
        ("TOO_SLOW", 4009),
        ("GAP", 4010),
        ("LOG_OUT_OF_REACH", 4010),
        ("STORE_OUT_OF_REACH", 4010),
        ("NO_SIGN_OF_LIFE", 4012),
        ("FAILED", 1011),
        ("KEY_REVOKED", 4500),
        ("SESSION_ENDED", 4500),
        ("BAD_FRAME", 4501),
        ("SUPERSEDED", 4503),
        ("LIMIT", 4504),
        ("TOO_MANY_EVENTS", 4504),
    ],
)
def test_each_end_has_the_code_that_clients_are_written_against(name: str, code: int) -> None:
    assert NAMED[name].code == code


def test_a_bad_frame_says_what_was_wrong_with_it() -> None:
    assert bad_frame("A second hello.") == Closing(4501, "bad_frame: A second hello.", False)
