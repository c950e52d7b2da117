"""The watch over open connections: whoever's credential ends is sent away, and soon."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

import gevent

from app.access.standing import Ended, Seat, Standing
from app.core import metrics
from app.core.asking import OUT_OF_REACH, ask_in_time
from app.core.logging import get_logger
from app.domain.access import Identity

EVERY_S: Final = 5.0
JITTER: Final = 0.2
"""A round comes up to so much earlier or later, lest all processes ask at once."""

ROUND_S: Final = 10.0
"""A round that takes longer is given up."""

BREATH: Final = 100
"""After sending so many away, others get their turn."""

log = get_logger(__name__)

Name = TypeVar("Name")


@dataclass(eq=False, slots=True)
class _Watched:
    identity: Identity
    end: Callable[[Ended], None]
    told: bool = False


class Watch:
    """Looks at the credentials of all open connections of this process, every five seconds.

    A key, session or person is asked for once, however many connections there are. While PostgreSQL
    or Redis is out of reach nobody is sent away.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._by_key: defaultdict[str, set[_Watched]] = defaultdict(set)
        self._by_session: defaultdict[str, set[_Watched]] = defaultdict(set)
        self._by_seat: defaultdict[Seat, set[_Watched]] = defaultdict(set)
        self._expiring: set[_Watched] = set()
        self._greenlet: gevent.Greenlet[..., Any] | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._look_for_ever)

    @contextmanager
    def over(self, identity: Identity, end: Callable[[Ended], None]) -> Iterator[None]:
        """Watch one connection as long as the block lasts; ``end`` is told, and must not wait."""
        watched = _Watched(identity, end)
        key_id, session_id, user_id = identity.key_id, identity.session_id, identity.user_id
        seat = (user_id, identity.project_id, identity.role) if user_id else None
        if key_id:
            self._by_key[key_id].add(watched)
        if session_id:
            self._by_session[session_id].add(watched)
        if seat:
            self._by_seat[seat].add(watched)
        if identity.expires_at is not None:
            self._expiring.add(watched)
        try:
            yield
        finally:
            self._expiring.discard(watched)
            _discard(self._by_key, key_id, watched)
            _discard(self._by_session, session_id, watched)
            _discard(self._by_seat, seat, watched)

    def look(self) -> None:
        """One round: end what has expired, was revoked, signed out, or lost its role."""
        now = time.time()
        self._end(
            [w for w in self._expiring if (w.identity.expires_at or now) <= now],
            Ended.TOKEN_EXPIRED,
        )
        standing = self._standing
        self._ask(self._by_key, lambda ids: dict.fromkeys(standing.revoked(ids), Ended.KEY_REVOKED))
        self._ask(
            self._by_session,
            lambda ids: dict.fromkeys(standing.signed_out(ids), Ended.SESSION_ENDED),
        )
        self._ask(self._by_seat, standing.unseated)

    def _ask(
        self,
        held: dict[Name, set[_Watched]],
        ended_of: Callable[[Iterable[Name]], dict[Name, Ended]],
    ) -> None:
        if not held:
            return
        try:
            ended = ask_in_time(lambda: ended_of(list(held)), ROUND_S)
        except OUT_OF_REACH as error:
            metrics.credential_looks.labels("out_of_reach").inc()
            log.debug("credentials_unknown", error=str(error).split("\n")[0])
            return
        metrics.credential_looks.labels("answered").inc()
        for why in Ended:
            gone = [
                watched for name in ended if ended[name] is why for watched in held.get(name, ())
            ]
            self._end(gone, why)

    def _end(self, ended: list[_Watched], why: Ended) -> None:
        # It may take a moment until one that was told is gone.
        untold = [watched for watched in ended if not watched.told]
        for number, watched in enumerate(untold, start=1):
            watched.told = True
            watched.end(why)
            if number % BREATH == 0:
                gevent.sleep(0)
        if untold:
            metrics.credentials_ended.labels(why.value).inc(len(untold))
            log.info("credentials_ended", why=why.value, connections=len(untold))

    def _look_for_ever(self) -> None:
        random = Random()
        while True:
            gevent.sleep(EVERY_S * random.uniform(1 - JITTER, 1 + JITTER))
            try:
                self.look()
            except Exception:
                log.exception("watch_failed")


def _discard(held: dict[Name, set[_Watched]], name: Name | None, watched: _Watched) -> None:
    if name and name in held:
        held[name].discard(watched)
        if not held[name]:
            del held[name]
