"""The cursor: how far a reader has come, as the epoch and one offset per partition.

To the outside it is an opaque string. Inside it is a vector: a partition that is not named is at 0.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import msgspec

MAX_TEXT = 8192
"""Longer than the cursor of 256 partitions with a billion events each."""


class CursorInvalid(ValueError):
    """The text is not a cursor that we gave out."""


class _Wire(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    epoch: str
    offsets: list[int]


_decode = msgspec.json.Decoder(_Wire).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in every partition; ``offsets[p]`` is the last offset seen of partition p."""

    epoch: str
    offsets: tuple[int, ...]

    @classmethod
    def at(cls, epoch: str, heads: Mapping[int, int], partitions: int) -> Self:
        """The cursor of somebody who has seen everything up to these heads."""
        return cls(epoch, tuple(heads.get(p, 0) for p in range(partitions)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor.

        Raises:
            CursorInvalid: the text is not one.
        """
        if len(text) > MAX_TEXT:
            raise CursorInvalid("This is not a cursor.")
        try:
            wire = _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, msgspec.MsgspecError, ValueError):
            raise CursorInvalid("This is not a cursor.") from None
        if not 1 <= len(wire.offsets) <= 256 or any(not 0 <= o < 2**63 for o in wire.offsets):
            raise CursorInvalid("This is not a cursor.")
        return cls(wire.epoch, tuple(wire.offsets))

    def __str__(self) -> str:
        packed = _encode(_Wire(self.epoch, list(self.offsets)))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    def advance(self, partition: int, offset: int) -> Self:
        """This cursor after ``offset`` of ``partition``; a cursor never goes back."""
        if offset <= self.offsets[partition]:
            return self
        offsets = list(self.offsets)
        offsets[partition] = offset
        return type(self)(self.epoch, tuple(offsets))

    def after(self, places: Iterable[tuple[int, int]]) -> Self:
        """This cursor after all of these (partition, offset) pairs."""
        offsets = list(self.offsets)
        for partition, offset in places:
            if offset > offsets[partition]:
                offsets[partition] = offset
        return type(self)(self.epoch, tuple(offsets))

    def missed(self, head: Self) -> int:
        """How many events lie between this cursor and ``head``."""
        return sum(
            max(0, there - here) for here, there in zip(self.offsets, head.offsets, strict=True)
        )
