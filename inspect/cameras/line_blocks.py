"""Blocks of lines as a line-scan camera sends them, brought into the order of their numbers.

Pure: no thread, no clock. What lies where on the belt is said by :mod:`line_strips`.
"""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.records import Image

LATE = 2
"""Behind a missing block so many are waited for: it may be on its way. Then it is lost."""
PAST = 16
"""So many in a row that came already: the camera counts from the beginning again."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines, one behind the other, or what is left of them."""

    captured_ns: int
    """When its first line was exposed; monotonic clock, ns."""
    number: int | None
    """As the camera counts its frames: a gap is a block that was lost. None where it does not."""
    count: int | None
    """Of the encoder, at its first line; None where that is not known."""
    image: Image | None
    """(H, W, C) uint8; None where it is damaged."""
    fault: str = ""
    """Why it shows nothing."""


class BlockOrder:
    """Holds blocks until those before them have come. One that came already is not taken again."""

    def __init__(self) -> None:
        self._held: dict[int, Block] = {}
        self._next: int | None = None
        self._ignored = 0

    @property
    def is_astray(self) -> bool:
        """Whether nothing is in order any more: the camera's own numbers went back."""
        return self._ignored >= PAST

    def begin_anew(self) -> None:
        """The camera was opened again: what is held has nothing behind it."""
        self._held.clear()
        self._next = None
        self._ignored = 0

    def put(self, block: Block) -> list[Block]:
        """Those that are in order now, the first one first."""
        if block.number is None:  # without a number nothing can be brought into order
            return [block] if block.image is not None else []
        if self._next is None:
            self._next = block.number
        if block.number < self._next or block.number in self._held:
            self._ignored += 1
            return []
        self._ignored = 0
        self._held[block.number] = block
        return self._ready()

    def _ready(self) -> list[Block]:
        ready = []
        while self._held:
            first = min(self._held)
            if first != self._next and len(self._held) <= LATE:
                break
            ready.append(self._held.pop(first))
            self._next = first + 1
        return ready
