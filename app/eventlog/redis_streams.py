"""The partition log on Redis Streams. Every key of a partition has its hash tag, ``{p3}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from redis.exceptions import RedisError

from app.core.identifiers import uuid7
from app.core.lua import LuaScript
from app.core.redis import RedisClient
from app.eventlog.log import (
    START,
    Appended,
    Chunk,
    Depth,
    LoggedRun,
    LogUnavailable,
    Mark,
    Outcome,
    Run,
    Verdict,
)
from app.settings import Settings

RECORD_SEPARATOR = b"\x1e"
"""Between records: JSON cannot hold this byte."""

BELL_LIFE_MS = 1000
"""A rung bell that nobody answers lapses after this, and the sweep may ring it again."""


def _script(name: str) -> str:
    return resources.files("app.eventlog").joinpath(name).read_text()


class RedisStreamsLog:
    """See ``app.eventlog.log`` for the contract."""

    def __init__(
        self,
        redis: RedisClient,
        *,
        partitions: int,
        max_events: int,
        max_bytes: int,
        recent_ids: int,
    ) -> None:
        self.partitions = partitions
        self._redis = redis
        self._limits = (max_events, max_bytes, recent_ids, BELL_LIFE_MS)
        self._append = LuaScript(redis, _script("append.lua"))
        self._poke = LuaScript(redis, _script("poke.lua"))
        self._hello = LuaScript(redis, _script("hello.lua"))
        self._finish = LuaScript(redis, _script("finish.lua"))
        self._depth = LuaScript(redis, _script("depth.lua"))

    def append(self, runs: Mapping[int, Sequence[Run]]) -> dict[int, Appended]:
        calls = [
            (
                [_log(partition), _counters(partition), bell_key(partition)],
                [_prefix(partition), uuid7().hex, *self._limits, *_flatten(group)],
            )
            for partition, group in runs.items()
        ]
        try:
            answers = self._append.call_all(calls)
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return {
            partition: _appended(answer) for partition, answer in zip(runs, answers, strict=True)
        }

    def poke(self, partitions: Sequence[int]) -> list[int]:
        calls = [
            ([_log(p), _counters(p), bell_key(p)], [uuid7().hex, BELL_LIFE_MS]) for p in partitions
        ]
        try:
            answers = self._poke.call_all(calls)
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return [p for p, ring in zip(partitions, answers, strict=True) if ring]

    def hello(self, partition: int, key: str, incarnation: int, stored: int) -> int | None:
        try:
            [(ok, seq)] = self._hello.call_all(
                [([f"{_prefix(partition)}agent:{key}"], [incarnation, stored])]
            )
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return int(seq) if ok else None

    def sequences(self, names: Sequence[tuple[int, str]]) -> list[tuple[int, int]]:
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for partition, key in names:
                    pipe.hmget(f"{_prefix(partition)}agent:{key}", "incarnation", "seq")
                answers: list[Any] = pipe.execute()
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return [(int(incarnation or 0), int(seq or 0)) for incarnation, seq in answers]

    def generation(self, partition: int) -> str:
        try:
            value: Any = self._redis.hget(_counters(partition), "generation")
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return value.decode() if value else ""

    def read(
        self, positions: Mapping[int, str], *, count: int, block_ms: int
    ) -> dict[int, list[Chunk]]:
        streams: dict[Any, Any] = {_log(p): position for p, position in positions.items()}
        try:
            found: Any = self._redis.xread(streams, count=count, block=block_ms or None)
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        by_name = {_log(p).encode(): p for p in positions}
        return {
            by_name[name]: [_chunk(position, fields) for position, fields in entries]
            for name, entries in found or []
        }

    def finish(self, last: Mapping[int, Chunk]) -> None:
        calls = [
            (
                [_log(partition), _counters(partition)],
                [
                    chunk.generation,
                    _next_position(chunk.position),
                    chunk.logged + chunk.count,
                    chunk.bytes + chunk.size,
                ],
            )
            for partition, chunk in last.items()
        ]
        try:
            self._finish.call_all(calls)
        except RedisError as error:
            raise LogUnavailable(str(error)) from error

    def depth(self) -> list[Depth]:
        try:
            answers = self._depth.call_all(
                [([_log(p), _counters(p)], []) for p in range(self.partitions)]
            )
        except RedisError as error:
            raise LogUnavailable(str(error)) from error
        return [_depth(*answer) for answer in answers]


def open_log(redis: RedisClient, settings: Settings) -> RedisStreamsLog:
    """The log of this installation."""
    return RedisStreamsLog(
        redis,
        partitions=settings.partitions,
        max_events=settings.log_max_events,
        max_bytes=settings.log_max_bytes,
        recent_ids=settings.recent_ids,
    )


def bell_key(partition: int) -> str:
    """The key that is there while a partition's bell rings, or an actor stays on it."""
    return f"{_prefix(partition)}bell"


def _prefix(partition: int) -> str:
    return f"telltale:{{p{partition}}}:"


def _log(partition: int) -> str:
    return f"{_prefix(partition)}log"


def _counters(partition: int) -> str:
    return f"{_prefix(partition)}counters"


def _flatten(runs: Sequence[Run]) -> list[Any]:
    flat: list[Any] = []
    for run in runs:
        flat += (
            run.key,
            run.project,
            run.incarnation,
            run.seq,
            run.spent,
            run.floor,
            run.rate,
            run.burst,
            run.received_at,
            RECORD_SEPARATOR.join(run.records),
            len(run.ids),
        )
        flat += run.ids
    return flat


def _appended(answer: list[Any]) -> Appended:
    ring, generation, logged, *verdicts = answer
    outcomes = []
    for verdict, a, b in verdicts:
        match verdict:
            case Verdict.TAKEN:
                outcomes.append(Outcome(Verdict.TAKEN, seq=a, duplicates=b))
            case Verdict.RATE | Verdict.FULL:
                outcomes.append(Outcome(Verdict(verdict), retry_after_ms=a))
            case _:
                outcomes.append(Outcome(Verdict(verdict), seq=a))
    return Appended(outcomes, Mark(generation.decode(), logged), ring=bool(ring))


def _depth(
    generation: bytes,
    logged: bytes,
    drained: bytes,
    duplicates: bytes,
    chunks: int,
    first: bytes = START.encode(),
    waiting_from: int | None = None,
    last: bytes = START.encode(),
    waiting_to: int = 0,
) -> Depth:
    return Depth(
        generation=generation.decode(),
        logged=int(logged),
        drained=int(drained),
        duplicates=int(duplicates),
        chunks=chunks,
        first=first.decode(),
        last=last.decode(),
        waiting_from=waiting_from,
        waiting_to=waiting_to,
    )


def _chunk(position: bytes, fields: dict[bytes, bytes]) -> Chunk:
    return Chunk(
        position=position.decode(),
        generation=fields[b"generation"].decode(),
        logged=int(fields[b"logged"]),
        count=int(fields[b"count"]),
        bytes=int(fields[b"bytes"]),
        size=int(fields[b"size"]),
        duplicates=int(fields.get(b"duplicates", 0)),
        runs=[_run(fields, b"%d" % n) for n in range(1, int(fields[b"runs"]) + 1)],
    )


def _run(fields: dict[bytes, bytes], number: bytes) -> LoggedRun:
    incarnation, last_seq, received_at = fields[b"run" + number].decode().split(" ")
    joined = fields[b"records" + number]
    records = joined.split(RECORD_SEPARATOR) if joined else []
    drops = fields[b"drop" + number]
    if drops and records:
        dropped = {int(index) for index in drops.split(b" ")}
        records = [record for index, record in enumerate(records) if index not in dropped]
    return LoggedRun(
        key=fields[b"key" + number].decode(),
        incarnation=int(incarnation),
        last_seq=int(last_seq),
        received_at=received_at,
        records=records,
    )


def _next_position(position: str) -> str:
    milliseconds, _, number = position.partition("-")
    return f"{milliseconds}-{int(number) + 1}"
