"""WebSocket framing (RFC 6455), the server's side: masked frames in, unmasked frames out.

Why not wsproto: several frames of one read are taken apart in one pass, and a frame for many
viewers is framed once (docs/decisions/websocket-framing.md has the figures).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_FINAL: Final = 0x80
_MASKED: Final = 0x80
_WHOLE_TEXT: Final = _FINAL | Opcode.TEXT
_KNOWN: Final = frozenset(Opcode)
_REASON_BYTES: Final = 123


class FrameError(Exception):
    """The peer broke the framing; ``code`` is the WebSocket close code for it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frame(NamedTuple):
    """A whole message or a control frame. Text is valid UTF-8."""

    opcode: int
    payload: bytes


class FrameReader:
    """Takes bytes as they come, gives whole messages. Holds at most one of ``max_bytes``."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._most_at_once = max_bytes
        self._rest = bytearray()
        self._parts: list[bytes] = []
        self._parts_opcode = 0
        self._parts_bytes = 0
        self.missing = 0
        """Bytes that the frame at hand still lacks, as far as they are known."""

    def feed(self, data: bytes) -> list[Frame]:  # noqa: C901 - one pass over the bytes
        """The messages that these bytes complete.

        Raises:
            FrameError: 1002 for broken framing, 1007 for text that is not UTF-8, 1009 for a
                message over the limit. The connection is beyond repair.
        """
        if len(data) < self.missing:
            # Nothing can be whole yet: gather, and look when it can.
            self._rest += data
            self.missing -= len(data)
            return []
        buffer = bytes(self._rest + data) if self._rest else data
        size = len(buffer)
        at = 0
        frames: list[Frame] = []
        self.missing = 0
        while size - at >= 2:
            first, second = buffer[at], buffer[at + 1]
            length = second & 0x7F
            head = at + 2
            if length == 126:
                if size < head + 2:
                    break
                length = int.from_bytes(buffer[head : head + 2], "big")
                head += 2
            elif length == 127:
                if size < head + 8:
                    break
                length = int.from_bytes(buffer[head : head + 8], "big")
                head += 8
            if first != _WHOLE_TEXT or second < _MASKED or length > self._most_at_once:
                self._check(first, second, length)
            end = head + 4 + length
            if size < end:
                self.missing = end - size
                break
            mask = buffer[head : head + 4]
            payload = _unmask(buffer[head + 4 : end], mask) if length else b""
            at = end
            if first == _WHOLE_TEXT and payload.isascii() and not self._parts_opcode:
                frames.append(Frame(Opcode.TEXT, payload))
            elif (frame := self._whole(first, payload)) is not None:
                frames.append(frame)
        self._rest = bytearray(buffer[at:])
        return frames

    def _check(self, first: int, second: int, length: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            raise FrameError(1002, "A reserved bit is set.")
        if opcode not in _KNOWN:
            raise FrameError(1002, "Unknown opcode.")
        if not second & _MASKED:
            raise FrameError(1002, "Frames from a client must be masked.")
        if opcode >= Opcode.CLOSE:
            if length > 125 or not first & _FINAL:
                raise FrameError(1002, "A control frame is too long or fragmented.")
        elif length + self._parts_bytes > self._max_bytes:
            raise FrameError(1009, f"A message may have {self._max_bytes} bytes.")
        elif (opcode == Opcode.CONTINUATION) != bool(self._parts_opcode):
            raise FrameError(1002, "A fragment is out of place.")

    def _whole(self, first: int, payload: bytes) -> Frame | None:
        opcode = first & 0x0F
        if opcode >= Opcode.CLOSE:
            return Frame(opcode, payload)
        if not first & _FINAL:
            self._parts_opcode = self._parts_opcode or opcode
            self._parts.append(payload)
            # An empty fragment takes room too, or there could be endlessly many.
            self._parts_bytes += len(payload) + 64
            # Until the message is whole, every frame is checked.
            self._most_at_once = -1
            return None
        if opcode == Opcode.CONTINUATION:
            opcode = self._parts_opcode
            payload = b"".join((*self._parts, payload))
            self._parts, self._parts_opcode, self._parts_bytes = [], 0, 0
            self._most_at_once = self._max_bytes
        if opcode == Opcode.TEXT and not payload.isascii():
            try:
                payload.decode()
            except UnicodeDecodeError:
                raise FrameError(1007, "Text must be UTF-8.") from None
        return Frame(opcode, payload)


def text(payload: bytes) -> bytes:
    """A text message as one frame, ready for the wire; the same bytes serve every receiver."""
    return _frame(Opcode.TEXT, payload)


def pong(payload: bytes) -> bytes:
    """The answer to a ping."""
    return _frame(Opcode.PONG, payload)


def close(code: int, reason: str = "") -> bytes:
    """A close frame. Of a long reason it holds what fits, in whole letters."""
    fitting = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
    return _frame(Opcode.CLOSE, code.to_bytes(2, "big") + fitting.encode())


def close_code(payload: bytes) -> int:
    """The code to answer a close frame with: its own if it is one that may be sent."""
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1000
    return code if 1000 <= code <= 4999 and code not in {1004, 1005, 1006, 1015} else 1002


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes((_FINAL | opcode, length))
    elif length < 65536:
        head = bytes((_FINAL | opcode, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, 127)) + length.to_bytes(8, "big")
    return head + payload


def _unmask(payload: bytes, mask: bytes) -> bytes:
    # One XOR of two big integers is the fastest way that Python has.
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(
        length, "little"
    )
