"""A million events: projections rebuilt from them, and the past looked up behind them."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from app.core import clock
from bench import latency
from bench.filling import PREFIX, Filling, task_of
from bench.fleet import Crowd, join, leave
from bench.report import say
from bench.requests import Answered, keep_asking, request
from bench.watcher import Watcher
from launcher.command import ROOT
from launcher.stack import Stack

EVENTS = 1_000_000
EARLY_EVENTS = 20_000
"""The moment that is asked for lies behind so many; all others come after it."""

PROGRAM = (sys.executable, "-m", "flask", "--app", "wsgi", "projections", "rebuild", "--quiet")
EVENTS_PER_S = 500
BENT = 50
"""Rows of each kind that are changed behind history's back."""

ROWS = {
    "agents": "SELECT md5(string_agg(t::text, ' ' ORDER BY agent_id)) FROM"
    " (SELECT agent_id, status, note, events, task_id, last_event_at, last_offset FROM agents"
    f" WHERE agent_id LIKE '{PREFIX}-%') AS t",
    "tasks": "SELECT md5(string_agg(t::text, ' ' ORDER BY task_id)) FROM tasks AS t",
}
BEND = (
    "UPDATE agents SET status = 'bent', events = events + 1 WHERE agent_id IN"
    f" (SELECT agent_id FROM agents WHERE agent_id LIKE '{PREFIX}-%%' LIMIT %s)",
    "UPDATE tasks SET state = 'failed', note = 'bent' WHERE task_id IN"
    " (SELECT task_id FROM tasks WHERE state = 'completed' ORDER BY task_id LIMIT %s)",
    "DELETE FROM tasks WHERE task_id IN"
    " (SELECT task_id FROM tasks WHERE state = 'completed' ORDER BY task_id DESC LIMIT %s)",
)


class _Done(NamedTuple):
    status: int
    seconds: float
    cpu_s: float


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """Times in seconds, latencies in milliseconds."""
    with Filling(stack) as filling:
        filling.upto(EARLY_EVENTS)
        moment = clock.rfc3339(clock.now())
        then = _agents(stack, filling.names)
        filling.change()
        filling.upto(EVENTS)
    return {**_rebuild(stack, seconds), **_past(stack, filling.names, moment, then)}


def _rebuild(stack: Stack, seconds: float) -> dict[str, Any]:
    before = _sums(stack)
    checked = _flask(stack, "--check")
    with psycopg.connect(stack.database_url) as connection:
        bent = sum(connection.execute(statement, [BENT]).rowcount for statement in BEND)
    say(f"{bent} rows bent behind history's back")
    alone = _latencies(stack, seconds, None)
    mended: list[_Done] = []
    beside = _latencies(
        stack, seconds, threading.Thread(target=lambda: mended.append(_flask(stack)))
    )
    say(f"{EVENTS_PER_S} events/s alone: {alone}; beside the rebuild: {beside}")
    again = _flask(stack, "--check")
    return {
        "check_s": checked.seconds,
        "check_cpu_s": checked.cpu_s,
        "mend_s": mended[0].seconds,
        "check_finds_nothing": checked.status == again.status == 0,
        "rows_are_the_same": _sums(stack) == before,
        "memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        **{f"events_{name}_alone": value for name, value in alone.items()},
        **{f"events_{name}_beside": value for name, value in beside.items()},
    }


def _sums(stack: Stack) -> dict[str, Any]:
    with psycopg.connect(stack.database_url) as connection:
        return {name: connection.execute(query).fetchone() for name, query in ROWS.items()}


def _flask(stack: Stack, *options: str) -> _Done:
    """Run ``flask projections rebuild``."""
    cpu, started = _children_cpu_s(), time.perf_counter()
    done = subprocess.run(
        [*PROGRAM, *options],
        cwd=ROOT,
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
    )
    seconds = round(time.perf_counter() - started, 1)
    cpu_s = round(_children_cpu_s() - cpu, 1)
    last = done.stdout.strip().split("\n")[-1]
    say(f"rebuild {' '.join(options)}: {seconds} s, {cpu_s} s of it on a processor: {last}")
    return _Done(done.returncode, seconds, cpu_s)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _latencies(stack: Stack, seconds: float, beside: threading.Thread | None) -> dict[str, float]:
    """What events take from sent to shown, for a while or as long as something else runs."""
    watcher = Watcher(stack.url, stack.admin_key, latencies=True)
    agents = join(stack.url, stack.admin_key, 20, prefix="beside")
    crowd = Crowd(agents)
    sent = latency.steadily(crowd, agents, EVENTS_PER_S, 1.0)
    if beside is None:
        sent += latency.steadily(crowd, agents, EVENTS_PER_S, seconds)
    else:
        beside.start()
        while beside.is_alive():
            sent += latency.steadily(crowd, agents, EVENTS_PER_S, 0.5)
        beside.join()
    seen = watcher.wait_for(sent, 20, lambda: crowd.listen(0.02))
    watcher.stop()
    leave(agents)
    return {**latency.percentiles(seen, EVENTS_PER_S), "sent": sent, "shown": seen.events}


def _past(
    stack: Stack, names: list[str], moment: str, then: dict[str, tuple[int, str]]
) -> dict[str, Any]:
    paths = {
        "state": [f"/v1/agents/{name}/state?at={moment}" for name in names],
        "task": [f"/v1/tasks/{task_of(name, 1)}?at={moment}" for name in names],
    }
    _make_cold(stack)
    found: dict[str, Any] = {}
    # The first question after a restart also pays for connections.
    _ask(stack, "/v1/agents/nobody/state")
    for temperature in ("cold", "warm"):
        for name, asked in paths.items():
            answered = [_ask(stack, path) for path in asked]
            times = [one.latencies_ms[0] for one in answered]
            found[f"{name}_{temperature}_p50_ms"] = round(statistics.median(times), 1)
            found[f"{name}_{temperature}_max_ms"] = round(max(times), 1)
            if name == "state":
                states = dict(zip(names, map(_state, answered), strict=True))
                found["states_are_as_they_were"] = states == then
    say(f"{EVENTS:,} events back: {found}")
    return found


def _make_cold(stack: Stack) -> None:
    """Restart PostgreSQL, and let the kernel forget its files."""
    stack.stop("postgres")
    for path in Path(stack.postgres.data).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    stack.start("postgres")
    stack.wait_ready()


def _agents(stack: Stack, names: list[str]) -> dict[str, tuple[int, str]]:
    return {name: _state(_ask(stack, f"/v1/agents/{name}")) for name in names}


def _state(answered: Answered) -> tuple[int, str]:
    body = json.loads(answered.last_body)
    return body["events"], body["last_event_at"]


def _ask(stack: Stack, path: str) -> Answered:
    message = request(stack.url, stack.admin_key, "GET", path, b"")
    return keep_asking(stack.url, 1, 0, lambda _: message)
