"""Lua scripts in Redis, many calls in one round trip.

redis-py's own Script asks before each pipeline whether the server knows the script, which doubles
the round trips; this one finds out by being told.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from app.core.redis import RedisClient

Call = tuple[Sequence[str], Sequence[Any]]
"""The keys and the arguments of one call."""


class LuaScript:
    """A script and the server that runs it."""

    def __init__(self, redis: RedisClient, source: str) -> None:
        self._redis = redis
        self._source = source
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()

    def call_all(self, calls: Sequence[Call]) -> list[Any]:
        """The answers to these calls, in order.

        Raises:
            redis.RedisError: at least one call failed; the others may have had their effect.
        """
        answers = self._send(calls)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            # The server is new. Another client may have taught it the script between two calls, so
            # only those that it did not know are sent again.
            self._redis.script_load(self._source)
            for n, answer in zip(unknown, self._send([calls[n] for n in unknown]), strict=True):
                answers[n] = answer
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipe:
            for keys, args in calls:
                pipe.execute_command("EVALSHA", self._digest, len(keys), *keys, *args)
            return pipe.execute(raise_on_error=False)
