"""Reading frames: the same messages come out however the bytes are cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.frames import Frame, FrameReader, Opcode
from tests.unit.gateway.peer import masked

LIMIT = 200_000

masks = st.binary(min_size=4, max_size=4)
texts = st.text(max_size=40).map(str.encode) | st.sampled_from(
    [b"x" * 125, b"x" * 126, b"x" * 127, "é".encode() * 40_000, b"x" * 65_535, b"x" * 65_536]
)
controls = st.tuples(
    st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125)
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[list[Frame], bytes]:
    """Messages in fragments with control frames in between, and what a reader makes of them."""
    expected: list[Frame] = []
    wire = b""

    def interrupt() -> bytes:
        sent = b""
        for opcode, payload in draw(st.lists(controls, max_size=2)):
            expected.append(Frame(opcode, payload))
            sent += masked(opcode, payload, mask=draw(masks))
        return sent

    for _ in range(draw(st.integers(0, 4))):
        opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
        payload = draw(texts)
        # Fragments may be empty, and cut a letter in two.
        marks = draw(st.lists(st.integers(0, len(payload)), max_size=3))
        edges = list(pairwise([0, *sorted(marks), len(payload)]))
        for number, (start, end) in enumerate(edges):
            last = number == len(edges) - 1
            wire += masked(
                Opcode.CONTINUATION if number else opcode,
                payload[start:end],
                final=last,
                mask=draw(masks),
            )
            if last:
                expected.append(Frame(opcode, payload))
            wire += interrupt()
    return expected, wire


def read(pieces: Iterable[bytes], limit: int = LIMIT) -> list[Frame]:
    reader = FrameReader(limit)
    return [frame for piece in pieces for frame in reader.feed(piece)]


@given(messages(), st.lists(st.integers(0, 100_000), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_messages(
    case: tuple[list[Frame], bytes], places: list[int]
) -> None:
    expected, wire = case
    edges = [0, *sorted(place % (len(wire) + 1) for place in places), len(wire)]
    assert read(wire[start:end] for start, end in pairwise(edges)) == expected


@given(st.lists(st.text(max_size=20).map(str.encode), max_size=5), masks)
def test_bytes_may_come_one_by_one(texts_sent: list[bytes], mask: bytes) -> None:
    wire = b"".join(masked(Opcode.TEXT, payload, mask=mask) for payload in texts_sent)
    pieces = (wire[at : at + 1] for at in range(len(wire)))
    assert read(pieces) == [Frame(Opcode.TEXT, payload) for payload in texts_sent]


@given(st.integers(0, 70_000), masks)
def test_every_length_is_unmasked_whole(size: int, mask: bytes) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    assert read([masked(Opcode.BINARY, payload[:size], mask=mask)]) == [
        Frame(Opcode.BINARY, payload[:size])
    ]


def test_an_unfinished_frame_is_waited_for() -> None:
    wire = masked(Opcode.TEXT, b"hello")
    reader = FrameReader(LIMIT)
    assert reader.feed(wire[:-1]) == []
    assert reader.feed(b"") == []
    assert reader.feed(wire[-1:]) == [Frame(Opcode.TEXT, b"hello")]


def test_a_message_may_have_exactly_the_limit_however_often() -> None:
    wire = masked(Opcode.TEXT, b"x" * 100)
    assert len(read([wire * 50], limit=100)) == 50


def test_what_was_in_fragments_leaves_the_whole_limit_to_the_next() -> None:
    parts = masked(Opcode.TEXT, b"x" * 10, final=False) + masked(Opcode.CONTINUATION, b"y" * 10)
    assert len(read([(parts + masked(Opcode.TEXT, b"z" * 100)) * 3], limit=100)) == 6
