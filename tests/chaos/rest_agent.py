"""An agent by REST: posts a batch again, the same body, until it is told that it is stored."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from random import Random
from typing import Any

from tests.chaos.diary import Complaints, Diary, Made
from tests.chaos.request import Answer, ask

WAIT_S = 4
PATIENT_WITH = {http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE}


class RestAgent(threading.Thread):
    """Sends for the agents ``agent_ids`` in one body, about ``rate`` bodies a second."""

    def __init__(
        self,
        agent_ids: list[str],
        urls: list[str],
        key: str,
        random: Random,
        complaints: Complaints,
        *,
        rate: float,
    ) -> None:
        super().__init__(name=agent_ids[0], daemon=True)
        self.diaries = [Diary(agent_id, random) for agent_id in agent_ids]
        self.agent_ids = agent_ids
        self.resting = threading.Event()
        """Set: no new events are made."""
        self._urls, self._key, self._random, self._rate = urls, key, random, rate
        self._complaints = complaints
        self._ended = threading.Event()
        self._busy = False
        self.tries: deque[str] = deque(maxlen=5)
        """What came of the last requests, for the report on who was late."""

    def settled(self) -> bool:
        """Whether everything that was made is stored."""
        return not self._busy

    def end(self) -> None:
        """Leave for good."""
        self._ended.set()

    def run(self) -> None:
        while not self._ended.is_set():
            if self.resting.is_set():
                self._ended.wait(0.05)
                continue
            self._busy = True
            batch = [
                (diary, diary.make())
                for diary in self.diaries
                for _ in range(self._random.choice((1, 2, 3, 8)))
            ]
            self._store(batch)
            self._busy = False
            self._ended.wait(self._random.expovariate(self._rate))

    def _store(self, batch: list[tuple[Diary, Made]]) -> None:
        body = b"[%s]" % b",".join(made.body for _, made in batch)
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                told = self._post(body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.tries.append(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")
                self._ended.wait(self._random.uniform(0.02, 0.3))
                continue
            status, answer = told.status, told.body
            self.tries.append(f"{status} after {time.monotonic() - began:.1f} s")
            if status == http.client.OK and self._is_whole(batch, answer):
                for diary, made in batch:
                    diary.stored(made)
                return
            if status in PATIENT_WITH:
                self._ended.wait(float(told.headers.get("Retry-After", "0")))
            elif status not in {http.client.OK, http.client.ACCEPTED}:
                if status != http.client.UNPROCESSABLE_ENTITY or any(not m.bad for _, m in batch):
                    self._complaints.add(self.name, f"was refused: {status} {answer}")
                return

    def _is_whole(self, batch: list[tuple[Diary, Made]], answer: dict[str, Any]) -> bool:
        """Whether the answer says that all but the bad ones are stored."""
        refused = {item["id"] for item in answer["rejected"]}
        if answer["accepted"] + answer["duplicates"] + len(refused) != len(batch):
            self._complaints.add(self.name, f"{len(batch)} items are not accounted for: {answer}")
        return bool(answer.get("stored")) and refused == {made.id for _, made in batch if made.bad}

    def _post(self, body: bytes) -> Answer:
        url = self._random.choice(self._urls)
        return ask(url, "POST", "/v1/events", self._key, body, Prefer=f"wait={WAIT_S}")
