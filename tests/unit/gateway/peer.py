"""The other side of a socket: masks what it sends and reads what a server frames."""

from __future__ import annotations

from dataclasses import dataclass

MASK = bytes((0x37, 0xFA, 0x21, 0x3D))


def masked(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    mask: bytes | None = MASK,
    reserved: int = 0,
) -> bytes:
    """One frame as RFC 6455 §5.2 draws it; ``mask`` None leaves it unmasked."""
    first = (0x80 if final else 0) | reserved | opcode
    bit = 0 if mask is None else 0x80
    head = bytes((first, bit | length_code(payload))) + extended_length(payload)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def length_code(payload: bytes) -> int:
    """The seven bits of the length."""
    size = len(payload)
    return size if size < 126 else 126 if size < 2**16 else 127


def extended_length(payload: bytes) -> bytes:
    """The bytes of the length behind them."""
    size = len(payload)
    return b"" if size < 126 else size.to_bytes(2 if size < 2**16 else 8, "big")


@dataclass(frozen=True)
class Received:
    """A frame that the server sent."""

    first: int
    payload: bytes


def received(wire: bytes) -> list[Received]:
    """What came, frame by frame; every frame of a server is whole and unmasked."""
    frames = []
    while wire:
        first, code = wire[0], wire[1]
        extended = {126: 2, 127: 8}.get(code, 0)
        size = int.from_bytes(wire[2 : 2 + extended], "big") if extended else code
        start = 2 + extended
        assert len(wire) >= start + size
        frames.append(Received(first, wire[start : start + size]))
        wire = wire[start + size :]
    return frames
