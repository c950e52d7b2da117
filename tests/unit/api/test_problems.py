"""Problems as answers."""

from __future__ import annotations

import pytest
from flask import Flask, abort

from app.api.problems import register, response_of
from app.core.errors import BadRequest, NotFound, Problem, Unavailable, Unprocessable


@pytest.mark.parametrize(("wait_s", "said"), [(0.2, "1"), (1.0, "1"), (1.4, "2"), (2.5, "3")])
def test_whoever_waits_as_long_as_is_said_is_not_early(wait_s: float, said: str) -> None:
    assert response_of(Unavailable(retry_after_s=wait_s)).headers["Retry-After"] == said


@pytest.mark.parametrize("kind", [BadRequest, NotFound, Unprocessable])
def test_a_code_has_one_title_whoever_refuses(kind: type[Problem]) -> None:
    app = Flask(__name__)
    register(app)
    app.add_url_rule("/flasks", view_func=lambda: abort(kind.status), endpoint="flasks")
    answer = app.test_client().get("/flasks").get_json()
    assert (answer["code"], answer["title"]) == (kind.code, kind.title)
    assert answer["detail"] == f"{kind.title}."


def test_a_status_without_a_word_of_ours_is_told_too() -> None:
    app = Flask(__name__)
    register(app)
    app.add_url_rule("/teapot", view_func=lambda: abort(418), endpoint="teapot")
    answer = app.test_client().get("/teapot")
    assert (answer.status_code, answer.get_json()["code"]) == (418, "http_error")
