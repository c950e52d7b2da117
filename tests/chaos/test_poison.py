"""An event that PostgreSQL refuses: it goes to the dead letters, and nothing else notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from launcher.stack import Stack
from tests.chaos.breaking import event, wait_for_queue, wait_for_stored
from tests.chaos.wire import Socket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

TRIGGER = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'nobody swallows %', NEW.event_id;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW
    WHEN (NEW.type = 'poison.pill') EXECUTE FUNCTION refuse();
"""


@pytest.fixture(scope="module", autouse=True)
def _trigger(fragile: Stack) -> Iterator[None]:
    """The database refuses one type of event while these tests run."""
    with psycopg.connect(fragile.database_url, autocommit=True) as connection:
        connection.execute(TRIGGER)
        yield
        connection.execute("DROP TRIGGER refuse ON events; DROP FUNCTION refuse")


def pill(agent_id: str, number: int) -> dict[str, Any]:
    return event(agent_id, number, "poison.pill")


def dead_letters(stack: Stack) -> dict[str, tuple[str, int, str]]:
    """Kind, partition and error of each dead event, by its id."""
    with psycopg.connect(stack.database_url) as connection:
        found = connection.execute("SELECT kind, partition, payload, error FROM dead_letters")
        return {
            json.loads(payload)["id"]: (kind, partition, error)
            for kind, partition, payload, error in found
        }


def post(rest: Rest, *events: dict[str, Any]) -> None:
    receipt = rest.post("/v1/events", list(events)).ok(202)
    assert receipt["rejected"] == []


def stored_ids(rest: Rest, agent_id: str) -> list[str]:
    found = rest.events(agent_id=agent_id, order="asc", limit=1000)
    return [item["id"] for item in found]


def test_poison_in_a_batch_dies_alone(fragile: Stack, rest: Rest) -> None:
    before = wait_for_queue(rest)
    poisoned = {0, 7, 8, 40, 99}
    batch = [(pill if n in poisoned else event)("calm", n) for n in range(100)]
    batch[50:50] = (bystander := [event("bystander", n) for n in range(20)])
    post(rest, *batch)
    after = wait_for_queue(rest)
    good = [e["id"] for e in batch if e["agent_id"] == "calm" and e["type"] == "step"]
    assert stored_ids(rest, "calm") == good
    assert stored_ids(rest, "bystander") == [e["id"] for e in bystander]
    letters = dead_letters(fragile)
    for dead in (e["id"] for e in batch if e["type"] == "poison.pill"):
        kind, partition, error = letters[dead]
        assert (kind, partition) == ("event", 0)
        assert f"nobody swallows {dead}" in error
    assert after["balanced"]
    assert after["dead"] - before["dead"] == len(poisoned)
    assert after["stored"] - before["stored"] == 115


def test_offsets_stay_contiguous_around_poison(fragile: Stack, rest: Rest) -> None:
    post(rest, *((event if n % 3 else pill)("gaps", n) for n in range(30)))
    wait_for_queue(rest)
    with psycopg.connect(fragile.database_url) as connection:
        offsets = connection.execute('SELECT "offset" FROM events ORDER BY "offset"').fetchall()
        head = connection.execute("SELECT head FROM partitions").fetchone()
    assert [offset for (offset,) in offsets] == list(range(1, len(offsets) + 1))
    assert head == (len(offsets),)


def test_a_batch_of_nothing_but_poison(rest: Rest) -> None:
    before = wait_for_queue(rest)
    post(rest, *(pill("bitter", n) for n in range(5)))
    after = wait_for_queue(rest)
    assert stored_ids(rest, "bitter") == []
    assert after["balanced"]
    assert after["dead"] - before["dead"] == 5


def test_poison_sent_again_dies_once(rest: Rest) -> None:
    before = wait_for_queue(rest)
    again = pill("twice", 1)
    for _ in range(2):
        post(rest, again)
    after = wait_for_queue(rest)
    assert after["balanced"]
    assert after["dead"] - before["dead"] == 1


def test_who_waits_for_poison_is_told_that_it_is_kept(rest: Rest) -> None:
    rest.send(event("waits", 1), pill("waits", 2), event("waits", 3))
    rest.send(pill("waits", 4))


def test_a_socket_goes_past_poison(fragile: Stack, rest: Rest) -> None:
    items = [(pill if n == 3 else event)("socket", n) for n in range(1, 7)]
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        socket.hello("socket", incarnation=1)
        socket.send(json.dumps({"type": "events", "seq": 1, "items": items}).encode())
        wait_for_stored(socket, 6)
    assert stored_ids(rest, "socket") == [e["id"] for e in items if e["type"] == "step"]
    assert wait_for_queue(rest)["balanced"]
