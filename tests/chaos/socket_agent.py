"""An agent on a socket that follows the protocol to the letter (protocol.md §4), in a thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from random import Random

from tests.chaos.diary import Complaints, Diary, Made
from tests.chaos.wire import Frame, Lost, Socket

KEPT_AT_MOST = 400
"""Events that are not stored yet; beyond, the agent makes no new ones."""

BURSTS = (1, 1, 1, 1, 2, 3, 20)
MOST_IDLE_S = 0.3
"""An agent that is free to makes something within this time."""

LAST_CODES = range(4500, 4600)
"""Close codes after which an agent must not come back as it is."""

SILENT_INTERVALS = 2.5


@dataclass(slots=True)
class _Kept:
    seq: int
    made: Made


class SocketAgent(threading.Thread):
    """Does something ``rate`` times a second: mostly one event, now and then many at once."""

    def __init__(
        self,
        agent_id: str,
        urls: list[str],
        key: str,
        random: Random,
        complaints: Complaints,
        *,
        rate: float,
    ) -> None:
        super().__init__(name=agent_id, daemon=True)
        self.diary = Diary(agent_id, random)
        self.resting = threading.Event()
        """Set: no new events are made."""
        self._urls, self._key, self._random, self._rate = urls, key, random, rate
        self._complaints = complaints
        self._ended = threading.Event()
        self._flood = 0
        self._incarnation = time.time_ns() // 1_000_000
        self._kept: deque[_Kept] = deque()
        self._next = 1
        self._cursor = 1
        self._logged = 0
        self._paused_until = 0.0
        self._make_at = 0.0

    def flood(self, events: int) -> None:
        """Make so many at once, whatever the rate."""
        self._flood += events

    def settled(self) -> bool:
        """Whether everything that was made is stored."""
        return not self._kept and not self._flood

    def end(self) -> None:
        """Leave for good."""
        self._ended.set()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                with Socket(self._random.choice(self._urls), "/ws/agent", self._key) as socket:
                    self._converse(socket)
            except Lost as lost:
                self._judge(lost)
                # The protocol's back-off begins at a second; here nobody has that long.
                self._ended.wait(max(lost.retry_after_s, self._random.uniform(0.02, 0.3)))

    def _judge(self, lost: Lost) -> None:
        if lost.code in LAST_CODES or lost.code in {401, 403, 404}:
            self._complaints.add(self.name, f"was sent away: {lost} ({lost.code})")
            self._begin_again()

    def _begin_again(self) -> None:
        """A new incarnation: what is kept gets numbers from 1."""
        self._incarnation = max(self._incarnation + 1, time.time_ns() // 1_000_000)
        for seq, kept in enumerate(self._kept, start=1):
            kept.seq = seq
        self._next = len(self._kept) + 1
        self._cursor, self._logged = 1, 0

    def _converse(self, socket: Socket) -> None:
        welcome = socket.hello(self.name, self._incarnation)
        self._released(welcome["stored"])
        self._logged = welcome["stored"]
        self._cursor = self._kept[0].seq if self._kept else self._next
        self._paused_until = 0.0
        interval_s = welcome["ping_interval_s"]
        pinged = time.monotonic()
        while not self._ended.is_set():
            self._make()
            self._send_next(socket)
            frame = socket.receive(0.02)
            if frame is not None:
                self._take(frame)
            now = time.monotonic()
            if now - pinged > interval_s:
                socket.send(b'{"type":"ping"}')
                pinged = now
            if now - socket.heard_at > SILENT_INTERVALS * interval_s:
                raise Lost("the server gives no sign of life")

    def _make(self) -> None:
        now = time.monotonic()
        count, self._flood = self._flood, 0
        if not self.resting.is_set() and now >= self._make_at and len(self._kept) < KEPT_AT_MOST:
            self._make_at = now + min(MOST_IDLE_S, self._random.expovariate(self._rate))
            count += self._random.choice(BURSTS)
        for _ in range(count):
            self._kept.append(_Kept(self._next, self.diary.make()))
            self._next += 1

    def _send_next(self, socket: Socket) -> None:
        if self._cursor >= self._next or time.monotonic() < self._paused_until:
            return
        start = self._cursor - self._kept[0].seq
        count = min(self._random.choice((1, 2, 5, 50)), self._next - self._cursor)
        items = b",".join(self._kept[start + index].made.body for index in range(count))
        frame = b'{"type":"events","seq":%d,"items":[%s]}' % (self._cursor, items)
        self._cursor += count
        socket.send(frame)

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "ack":
                self._acked(frame["logged"], frame["stored"])
            case "nack":
                self._go_back(frame["expected"])
            case "slow":
                self._paused_until = time.monotonic() + frame["retry_after_ms"] / 1000
                self._go_back(self._logged + 1)
            case "reject":
                refused = next((k for k in self._kept if k.seq == frame["seq"]), None)
                if refused is not None and not refused.made.bad:
                    self._complaints.add(self.name, f"a good event was refused: {frame}")

    def _acked(self, logged: int, stored: int) -> None:
        if max(logged, stored) >= self._next:
            self._complaints.add(self.name, f"acked {logged}/{stored}, made {self._next - 1}")
            return
        self._logged = max(self._logged, logged)
        self._released(stored)

    def _released(self, stored: int) -> None:
        while self._kept and self._kept[0].seq <= stored:
            self.diary.stored(self._kept.popleft().made)
        self._cursor = max(self._cursor, stored + 1)
        self._logged = max(self._logged, stored)

    def _go_back(self, seq: int) -> None:
        first = self._kept[0].seq if self._kept else self._next
        if seq < first or seq > self._next:
            # What is stored was forgotten here, as the protocol says.
            self._complaints.add(self.name, f"is asked for {seq}, has {first}..{self._next - 1}")
            self._begin_again()
            raise Lost("out of step")
        self._logged = min(self._logged, seq - 1)
        self._cursor = seq
