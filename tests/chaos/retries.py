"""Many retried POSTs with few keys: ``python -m tests.chaos.retries --posts 10000 --keys 500``.

Tasks and commands are posted by many clients at once, each key many times, in any order; some hang
up before they have heard, and every now and then a web process is killed. There must be exactly as
many resources as keys, each with one event and one line in the audit log.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random, SystemRandom
from urllib.parse import urlsplit

import psycopg

from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos.request import TIMEOUT_S, ask

CLIENTS = 24
HANG_UP_SHARE = 0.1
KILLS = 10
PLACED_S = 30.0
AGENTS = [f"retried-{number}" for number in range(1, 11)]
AGAIN = {http.client.CONFLICT, http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE}

COUNTS = {
    "resources": "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM commands)",
    "events": "SELECT count(*) FROM events WHERE type IN ('task.created', 'command.queued')",
    "audit entries": "SELECT count(*) FROM audit_log WHERE resource IN ('task', 'command')",
    "answers kept": "SELECT count(*) FROM idempotency_keys",
}


@dataclass(slots=True)
class Outcome:
    """What came of the posts."""

    answers: dict[int, Counter[bytes]] = field(default_factory=dict)
    """By the number of the key: the bodies that were answered, and how often each."""
    statuses: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def wrong(self, keys: int) -> list[str]:
        """What is not as it must be, in sentences."""
        found = [f"{n} {what} of {keys} keys" for what, n in self.counts.items() if n != keys]
        found += [f"key {k} got {len(b)} answers" for k, b in self.answers.items() if len(b) != 1]
        if len(self.answers) != keys:
            found.append(f"{len(self.answers)} of {keys} keys were answered")
        ids = {body for bodies in self.answers.values() for body in bodies}
        if len(ids) != len(self.answers):
            found.append("two keys got the same answer")
        return found


class Retries:
    """Posts ``posts`` times with ``keys`` keys to a running stack."""

    def __init__(self, stack: Stack, posts: int, keys: int, seed: int) -> None:
        self._stack, self._keys = stack, keys
        self._random = Random(seed)
        numbers = [number % keys for number in range(posts)]
        self._random.shuffle(numbers)
        self._numbers = deque(numbers)
        self._outcome = Outcome()
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        """Post it all, and count what there is then."""
        for name in AGENTS:
            body = json.dumps({"agent_id": name}).encode()
            ask(self._stack.url, "POST", "/v1/agents", self._stack.admin_key, body)
        clients = [
            threading.Thread(
                target=self._post_all, args=(Random(self._random.random()),), daemon=True
            )
            for _ in range(CLIENTS)
        ]
        began = time.monotonic()
        for client in clients:
            client.start()
        self._kill_while(clients)
        self._outcome.seconds = time.monotonic() - began
        with psycopg.connect(self._stack.database_url, autocommit=True) as connection:
            wait_until(
                lambda: connection.execute("SELECT FROM outbox LIMIT 1").rowcount == 0,
                timeout_s=PLACED_S,
                what=lambda: "events wait in the outbox",
            )
            for what, query in COUNTS.items():
                (self._outcome.counts[what],) = connection.execute(query).fetchone() or (0,)
        return self._outcome

    def _kill_while(self, clients: list[threading.Thread]) -> None:
        """Kill one web process after each tenth of the posts; the supervisor starts it anew."""
        share = len(self._numbers) // KILLS
        kill_below = len(self._numbers) - share
        for client in clients:
            while client.is_alive():
                client.join(0.1)
                if 0 < len(self._numbers) < kill_below:
                    self._stack.kill(self._random.choice(("web", "web-2")))
                    self._outcome.kills += 1
                    kill_below -= share

    def _post_all(self, random: Random) -> None:
        while True:
            try:
                number = self._numbers.popleft()
            except IndexError:
                return
            while not self._post(number, random):
                time.sleep(random.uniform(0.01, 0.2))

    def _post(self, number: int, random: Random) -> bool:
        """Whether this one needs no further try: it was answered, or not waited for."""
        agent_id = AGENTS[number % len(AGENTS)]
        path, fields = "/v1/tasks", {"title": f"{number}", "agent_id": agent_id}
        if number % 2:
            path, fields = f"/v1/agents/{agent_id}/commands", {"name": "work"}
        url, key = random.choice(self._stack.urls), f"key-{number}"
        body = json.dumps(fields).encode()
        try:
            if random.random() < HANG_UP_SHARE:
                _hang_up(url, path, self._stack.admin_key, key, body)
                return self._count("hung up")
            answer = ask(url, "POST", path, self._stack.admin_key, body, Idempotency_Key=key)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._count(type(error).__name__)
            return False
        again = answer.status in AGAIN
        if not again:
            with self._lock:
                bodies = self._outcome.answers.setdefault(number, Counter())
                bodies[json.dumps([answer.status, answer.body]).encode()] += 1
        replayed = " replayed" if answer.headers.get("Idempotency-Replayed") else ""
        return self._count(f"{answer.status}{replayed}") and not again

    def _count(self, what: str) -> bool:
        with self._lock:
            self._outcome.statuses[what] += 1
        return True


def _hang_up(url: str, path: str, credential: str, key: str, body: bytes) -> None:
    """Send the whole request, and be gone."""
    host = urlsplit(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {credential}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host.hostname or "", host.port or 80), TIMEOUT_S) as sock:
        sock.sendall(head.encode() + body)


def main() -> int:
    """Run it and print what came of it; 1 if a promise was broken."""
    words = argparse.ArgumentParser(prog="python -m tests.chaos.retries", description=__doc__)
    words.add_argument("--posts", type=int, default=10_000)
    words.add_argument("--keys", type=int, default=500)
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    given = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="telltale-retries-", ignore_cleanup_errors=True) as data,
        Stack(data, webs=2, durable=False) as stack,
    ):
        outcome = Retries(stack, given.posts, given.keys, given.seed).run()
    wrong = outcome.wrong(given.keys)
    lines = [
        f"seed {given.seed}: {given.posts} posts with {given.keys} keys in {outcome.seconds:.1f} s,"
        f" {outcome.kills} web processes killed",
        f"answers: {dict(outcome.statuses.most_common())}",
        f"found: {outcome.counts}",
        *(f"  BROKEN: {sentence}" for sentence in wrong),
    ]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
