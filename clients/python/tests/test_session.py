"""One conversation without a socket: what is said when, and how it ends."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from telltale_client import frames
from telltale_client.buffer import Buffer, Entry
from telltale_client.closing import Ending, Next
from telltale_client.outbox import Outbox
from telltale_client.session import BYE_S, WELCOME_S, Rejection, Session
from telltale_client.window import STALL_S, Window


def conversation(events: int = 0) -> tuple[Session, Outbox, deque[bytes]]:
    outbox = Outbox(Buffer(100, 100_000), Window(100, 100_000))
    for number in range(events):
        outbox.put(Entry(str(number), b"{}", False))
    control: deque[bytes] = deque()
    return Session(outbox, control, 0.0), outbox, control


def tell(session: Session, now: float, **frame: Any) -> list[object]:
    decoded = frames.decode(json.dumps(frame))
    session.heard(now)
    return list(session.receive(decoded, now)) if decoded else []


def sent(session: Session, now: float) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in session.outgoing(now)]


def test_nothing_is_sent_before_the_welcome() -> None:
    session, _, control = conversation(events=2)
    control.append(b'{"type":"command_ack"}')
    assert sent(session, 1.0) == []
    assert session.wake_at(can_send=True) == WELCOME_S
    assert session.ending(WELCOME_S - 0.1, None) is None
    late = session.ending(WELCOME_S, None)
    assert late == Ending(Next.RECONNECT, 1006, "no welcome from the server")


def test_answers_go_first_then_events_then_a_ping_when_quiet() -> None:
    session, _, control = conversation(events=2)
    tell(session, 1.0, type="welcome", stored=0, ping_interval_s=10)
    control.append(b'{"type":"command_ack"}')
    assert [frame["type"] for frame in sent(session, 1.0)] == ["command_ack", "events"]
    assert not control
    tell(session, 1.5, type="ack", logged=2, stored=2)
    assert session.stored == 2
    assert sent(session, 2.0) == []
    assert session.wake_at(can_send=True) == 11.0
    assert sent(session, 11.0) == [{"type": "ping"}]
    assert sent(session, 12.0) == []
    assert session.wake_at(can_send=True) == 21.0
    assert session.wake_at(can_send=False) == 26.5
    tell(session, 20.0, type="pong")
    assert session.ending(26.5, None) is None
    assert session.ending(45.0, None) == Ending(
        Next.RECONNECT, 4012, "no sign of life from the server"
    )


def test_a_ping_is_sent_also_while_only_we_talk() -> None:
    session, outbox, _ = conversation()
    tell(session, 0.0, type="welcome", ping_interval_s=10)
    for second in range(1, 10):
        outbox.put(Entry(str(second), b"{}", False))
        assert [frame["type"] for frame in sent(session, float(second))] == ["events"]
    assert sent(session, 10.0) == [{"type": "ping"}]


def test_after_a_bye_nothing_is_sent_and_the_close_is_awaited() -> None:
    session, outbox, _ = conversation()
    tell(session, 0.0, type="welcome")
    tell(session, 5.0, type="bye", code=4001, reason="restart", retry_after_ms=700)
    outbox.put(Entry("1", b"{}", False))
    assert sent(session, 5.0) == []
    assert session.wake_at(can_send=True) == 5.0 + BYE_S
    assert session.ending(5.1, None) is None
    expected = Ending(Next.RECONNECT, 4001, "restart", 0.7)
    assert session.ending(5.1, (4001, "restart")) == expected
    assert session.ending(5.1, (1006, "reset")) == expected
    assert session.ending(5.0 + BYE_S, None) == expected


def test_the_stricter_of_bye_and_code_counts() -> None:
    session, _, _ = conversation()
    tell(session, 0.0, type="bye", code=4001, reason="no", reconnect=False)
    ended = session.ending(0.0, (4001, ""))
    assert ended is not None
    assert ended.next is Next.FAIL
    session, _, _ = conversation()
    tell(session, 0.0, type="bye", code=4503, reason="newer", reconnect=True)
    ended = session.ending(0.0, (1000, ""))
    assert ended is not None
    assert (ended.next, ended.code, ended.reason) == (Next.FAIL, 4503, "newer")


def test_out_of_step_is_a_restart_and_silences_the_rest() -> None:
    session, _, _ = conversation(events=1)
    tell(session, 0.0, type="welcome")
    sent(session, 0.0)
    assert tell(session, 0.0, type="ack", logged=9, stored=9) == []
    assert tell(session, 0.0, type="reject", seq=1, id="0") == []
    assert sent(session, 0.0) == []
    ended = session.ending(0.0, None)
    assert ended is not None
    assert ended.next is Next.RESTART


def test_a_stalled_server_is_left() -> None:
    session, _, _ = conversation(events=1)
    tell(session, 0.0, type="welcome", ping_interval_s=3600)
    sent(session, 0.0)
    assert session.wake_at(can_send=True) == STALL_S
    ended = session.ending(STALL_S + 1, None)
    assert ended is not None
    assert ended.code == 4012


def test_the_program_is_told() -> None:
    session, _, _ = conversation(events=1)
    assert tell(session, 0.0, type="welcome", config={"version": 1, "value": 5}) == [
        frames.Config(1, 5)
    ]
    sent(session, 0.0)
    told = tell(session, 0.0, type="reject", seq=1, id="0", code="c", detail="d")
    assert told == [Rejection("0", 1, "c", "d", b"{}")]
    assert tell(session, 0.0, type="command", id="1", name="n") == [frames.Command("1", "n")]
    assert tell(session, 0.0, type="config", version=2, value=6) == [frames.Config(2, 6)]
