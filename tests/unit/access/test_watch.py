"""The watch while nobody can be asked: nobody is sent away, unless the token itself says so."""

from __future__ import annotations

import time
from uuid import uuid4

from app.access.sessions import Sessions
from app.access.standing import Ended, Standing
from app.access.watch import Watch
from app.core.database import create_database
from app.core.redis import create_redis
from app.domain.access import Identity, Role

NOBODY = "127.0.0.1:1"
"""Nothing listens there."""


def identity(
    subject: str, session_id: str | None = None, expires_at: float | None = None
) -> Identity:
    return Identity(uuid4(), Role.VIEWER, subject, session_id, expires_at)


def test_while_nobody_can_be_asked_nobody_is_sent_away() -> None:
    engine = create_database(f"postgresql+psycopg://{NOBODY}/none", pool_size=1, name="tests")
    redis = create_redis(f"redis://{NOBODY}/0", max_connections=1)
    standing = Standing(engine, Sessions(redis))
    watch = Watch(standing)
    ended: list[tuple[str, Ended]] = []
    now = time.time()
    with (
        watch.over(identity("key:a"), lambda why: ended.append(("key", why))),
        watch.over(identity("user:b", "c"), lambda why: ended.append(("session", why))),
        watch.over(identity("key:a", None, now + 60), lambda why: ended.append(("young", why))),
        watch.over(identity("key:a", None, now - 1), lambda why: ended.append(("old", why))),
    ):
        watch.look()
        watch.look()
    assert ended == [("old", Ended.TOKEN_EXPIRED)]
    assert standing.of_token(identity("key:a", None, now + 60))
    assert standing.of_token(identity("user:b", "c", now + 60))
