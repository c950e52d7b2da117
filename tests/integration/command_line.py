"""``flask users``, ``keys``, ``limits`` … in this process: one of their own takes a second each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from click.testing import Result
from flask import Flask
from sqlalchemy import Engine

from app.access.sessions import Sessions
from app.cache.caches import Caches
from app.cli.commands import register_commands
from app.core.redis import create_redis
from app.settings import Settings
from launcher.stack import Stack

Command = Callable[..., Result]
"""Takes the words behind ``flask``, and ``given`` for the standard input."""


@contextmanager
def command_line(stack: Stack, engine: Engine) -> Iterator[Command]:
    """The commands of a stack, on its database and its Redis."""
    redis = create_redis(stack.redis_url, max_connections=1)
    app = Flask("commands")
    settings = Settings.from_env(stack.env)
    register_commands(app, settings, engine, Sessions(redis), Caches(engine, redis))

    def run(*words: str, given: str = "") -> Result:
        return app.test_cli_runner().invoke(args=words, input=given)

    try:
        yield run
    finally:
        redis.connection_pool.disconnect()


def good(done: Result) -> str:
    """What a command printed that must have succeeded."""
    assert done.exit_code == 0, done.stderr
    return done.stdout


def refused(done: Result, sentence: str) -> None:
    """A command must have ended with this sentence, not with an exception."""
    assert done.exit_code != 0
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    assert sentence in done.stderr
