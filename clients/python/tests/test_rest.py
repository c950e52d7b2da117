"""REST requests: repeated while it helps, refused in the server's own words."""

from __future__ import annotations

import time
from typing import Any

import pytest
from telltale_client import ApiError, NotFound, ServerUnreachable, StaleVersion
from telltale_client.rest import Rest, Site, in_path

from clients.python.tests.scripted_rest import LOST, Reply, ScriptedRest, problem

KEY = "tt_test_key"


def rest(server: ScriptedRest, waits: list[float] | None = None, timeout_s: float = 30) -> Rest:
    waited = [] if waits is None else waits
    return Rest(server.url, KEY, timeout_s, sleep=waited.append)


def test_what_is_sent_and_what_comes_back() -> None:
    with ScriptedRest(Reply(201, {"a": 1}), Reply(204, b"")) as server:
        answer = rest(server).request(
            "POST",
            "/x",
            query={"limit": 3, "cursor": None},
            body={"ü": 1},
            headers={"If-Match": "*"},
        )
        assert answer == {"a": 1}
        assert rest(server).request("GET", "/y") is None
    posted, got = server.asked
    assert (posted.method, posted.path, posted.body) == ("POST", "/x?limit=3", {"ü": 1})
    assert posted.headers["authorization"] == f"Bearer {KEY}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["if-match"] == "*"
    assert (got.method, got.body) == ("GET", None)
    assert "content-type" not in got.headers


@pytest.mark.parametrize(
    "reply",
    [
        problem(503, "unavailable", retry_after=2),
        problem(429, "rate_limited", retry_after=2),
        problem(409, "idempotency_key_in_use", retry_after=2),
        Reply(502, b"<html>", {"Retry-After": "2"}),
    ],
)
def test_it_waits_as_long_as_the_server_asks(reply: Reply) -> None:
    waits: list[float] = []
    with ScriptedRest(reply, reply, Reply(200, "fine")) as server:
        assert rest(server, waits).request("POST", "/x", body={}) == "fine"
    assert len(waits) == 2
    assert all(2 <= wait <= 2.2 for wait in waits)


def test_a_broken_connection_is_tried_again_with_the_same_words() -> None:
    waits: list[float] = []
    with ScriptedRest(LOST, LOST, LOST, Reply(200, "fine")) as server:
        headers = {"Idempotency-Key": "k"}
        assert rest(server, waits).request("POST", "/x", body=[1], headers=headers) == "fine"
        assert [(one.headers["idempotency-key"], one.body) for one in server.asked] == [
            ("k", [1])
        ] * 4
    for wait, most in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert 0 <= wait <= most


def test_what_would_be_refused_again_is_not_tried_again() -> None:
    errors = [{"pointer": "/title", "detail": "Too long."}]
    with ScriptedRest(
        problem(422, "unprocessable", errors=errors),
        problem(409, "transition_refused", current_state="canceled"),
        problem(404, "not_found"),
        Reply(500, b"<html>"),
    ) as server:
        caught: list[ApiError] = []
        for _ in range(4):
            with pytest.raises(ApiError) as raised:
                rest(server).request("POST", "/x", body={})
            caught.append(raised.value)
    wrong, refused, missing, broken = caught
    assert (wrong.status, wrong.code, wrong.errors) == (422, "unprocessable", errors)
    assert str(wrong) == "422 unprocessable: It is unprocessable. /title: Too long."
    assert refused.members["current_state"] == "canceled"
    assert isinstance(missing, NotFound)
    assert (broken.code, broken.detail) == ("http_error", "Internal Server Error")


def test_a_stale_version_says_which_is_the_current_one() -> None:
    with (
        ScriptedRest(problem(412, "precondition_failed", current_version=7)) as server,
        pytest.raises(StaleVersion) as raised,
    ):
        rest(server).request("PUT", "/x", body={})
    assert raised.value.current_version == 7
    assert not raised.value.unsure


def test_a_server_that_stays_away_is_given_up_in_time() -> None:
    with ScriptedRest() as server:
        pass
    began = time.monotonic()
    with pytest.raises(ServerUnreachable, match=r"GET /x: .*refused"):
        Rest(server.url, KEY, 0.5).request("GET", "/x")
    assert time.monotonic() - began < 1.5


def test_a_wait_that_would_take_too_long_is_not_begun() -> None:
    waits: list[float] = []
    with (
        ScriptedRest(problem(503, "unavailable", retry_after=60)) as server,
        pytest.raises(ApiError) as raised,
    ):
        rest(server, waits).request("GET", "/x")
    assert (raised.value.status, raised.value.retry_after_s, waits) == (503, 60.0, [])


def test_attempts_are_bounded_too() -> None:
    with ScriptedRest(*[LOST] * 60) as server, pytest.raises(ServerUnreachable):
        rest(server).request("GET", "/x")
    assert len(server.asked) == 50


def test_an_answer_of_something_else_is_said_so() -> None:
    with (
        ScriptedRest(Reply(200, b"<html>")) as server,
        pytest.raises(ServerUnreachable, match="no JSON"),
    ):
        rest(server).request("GET", "/")


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://h:8000", Site(False, "h", 8000, "")),
        (" https://h/ ", Site(True, "h", None, "")),
        ("wss://h/ws/agent", Site(True, "h", None, "")),
        ("http://[::1]:1/telltale/", Site(False, "::1", 1, "/telltale")),
    ],
)
def test_addresses(url: str, site: Site) -> None:
    assert Site.of(url) == site


@pytest.mark.parametrize(
    "url", ["", "h:8000", "ftp://h", "http://", "http://h:x", "http://h?a=b", "http://u@h"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        Site.of(url)


@pytest.mark.parametrize(("key", "timeout"), [("", 1), ("a b", 1), ("ü", 1), (KEY, 0)])
def test_what_cannot_be_right(key: str, timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"key|timeout"):
        Rest("http://h", key, timeout)


def test_an_id_is_one_part_of_a_path() -> None:
    assert in_path("a/b ü?#") == "a%2Fb%20%C3%BC%3F%23"
