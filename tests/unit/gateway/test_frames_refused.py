"""Broken framing: each kind gets its close code, as early as it can be seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.frames import FrameError, FrameReader, Opcode
from tests.unit.gateway.peer import masked

LIMIT = 1000


def refusal(wire: bytes, *, byte_by_byte: bool = False) -> int | None:
    """The close code for these bytes; None if nothing is wrong with them so far."""
    reader = FrameReader(LIMIT)
    try:
        for piece in [wire[at : at + 1] for at in range(len(wire))] if byte_by_byte else [wire]:
            reader.feed(piece)
    except FrameError as error:
        return error.code
    return None


FRAGMENT = masked(Opcode.TEXT, b"a", final=False)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (masked(Opcode.TEXT, b"hello", mask=None), 1002),
        (masked(Opcode.TEXT, b"", mask=None), 1002),
        *((masked(Opcode.TEXT, b"x", reserved=bit), 1002) for bit in (0x40, 0x20, 0x10)),
        *((masked(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        (masked(Opcode.PING, b"x" * 126), 1002),
        (masked(Opcode.PING, b"x", final=False), 1002),
        (masked(Opcode.CLOSE, b"", final=False), 1002),
        (masked(Opcode.CONTINUATION, b"x"), 1002),
        (masked(Opcode.CONTINUATION, b"x", final=False), 1002),
        (FRAGMENT + masked(Opcode.TEXT, b"b"), 1002),
        (FRAGMENT + masked(Opcode.BINARY, b"b", final=False), 1002),
        (masked(Opcode.TEXT, b"\xff"), 1007),
        (masked(Opcode.TEXT, b"\xed\xa0\x80"), 1007),
        (masked(Opcode.TEXT, "é".encode()[:1]), 1007),
        (FRAGMENT + masked(Opcode.CONTINUATION, b"\xc3"), 1007),
        (masked(Opcode.TEXT, b"x" * (LIMIT + 1)), 1009),
        (masked(Opcode.BINARY, b"x" * (LIMIT + 1)), 1009),
        (masked(Opcode.TEXT, b"x" * LIMIT, final=False) + masked(0, b"xx"), 1009),
    ],
)
@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_broken_framing_has_its_code(wire: bytes, code: int, byte_by_byte: bool) -> None:
    assert refusal(wire, byte_by_byte=byte_by_byte) == code


@pytest.mark.parametrize("size", [LIMIT + 1, 2**16, 2**32, 2**63 - 1, 2**64 - 1])
def test_an_oversize_is_refused_by_its_head_alone(size: int) -> None:
    # The payload is not waited for, so nothing of it is kept.
    head = bytes((0x81, 0x80 | 127)) + size.to_bytes(8, "big")
    assert refusal(head) == 1009


@pytest.mark.parametrize("size", [0, 1])
def test_endless_fragments_end_at_the_limit_even_when_they_are_empty(size: int) -> None:
    endless = masked(Opcode.CONTINUATION, b"x" * size, final=False) * (LIMIT + 1)
    assert refusal(masked(Opcode.TEXT, b"", final=False) + endless) == 1009


def test_binary_need_not_be_utf8() -> None:
    assert refusal(masked(Opcode.BINARY, b"\xff")) is None


def test_control_frames_do_not_count_against_a_message_in_fragments() -> None:
    wire = masked(Opcode.TEXT, b"x" * (LIMIT - 100), final=False)
    wire += masked(Opcode.PING, b"p" * 125) * 20 + masked(Opcode.CONTINUATION, b"y")
    assert refusal(wire) is None


@given(st.binary(max_size=1500), st.booleans())
def test_whatever_comes_is_messages_or_a_frame_error(wire: bytes, byte_by_byte: bool) -> None:
    assert refusal(wire, byte_by_byte=byte_by_byte) in {None, 1002, 1007, 1009}


def test_a_refusal_says_why_in_a_sentence() -> None:
    with pytest.raises(FrameError, match=r"masked\.$"):
        FrameReader(LIMIT).feed(masked(Opcode.TEXT, b"x", mask=None))
