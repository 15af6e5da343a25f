"""Blocks of lines that were not exposed again: a line that came before is a fault, wherever it comes.

The frame watch of the line holds images against images, row by row; in an image that is joined of blocks
one that repeats stands elsewhere. A sensor's noise makes each line of each exposure its own.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from taktsight.records import Image

ROWS = 16
"""Of a block that are remembered, evenly spread, its last one among them."""
REMEMBERED = 256
"""Blocks before this one that it is held against."""
MIN_CHANGES = 64
"""Neighbours within a line that differ: a line of less may be alike by chance, black or saturated."""
COLUMNS = 500
"""Of a line, about, in which changes are counted."""


class LineWatch:
    """The lines of the blocks that came before."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, ...]] = deque()
        self._numbers: dict[int, int | None] = {}
        self._plain = 0

    def fault(self, image: Image, number: int | None) -> str:
        """Why this block was not exposed for itself; "" where nothing is wrong with it."""
        lines = _telling_lines(image)
        before = [self._numbers[line] for line in lines if line in self._numbers]
        is_repeated = bool(before) or len(set(lines)) < len(lines)
        self._remember(lines, number)
        if is_repeated:
            whose = f"frame {before[0]}" if before else "its own"
            return f"repeated: of {len(lines)} lines {len(before) or len(lines)} are those of {whose}"
        return self._plain_fault(image, is_plain=not lines)

    def _remember(self, lines: list[int], number: int | None) -> None:
        new = tuple(line for line in dict.fromkeys(lines) if line not in self._numbers)
        self._numbers.update(dict.fromkeys(new, number))
        self._blocks.append(new)
        if len(self._blocks) > REMEMBERED:
            for line in self._blocks.popleft():
                del self._numbers[line]

    def _plain_fault(self, image: Image, *, is_plain: bool) -> str:
        """One whose lines do not tell may still not be the very same, unless it is of one value."""
        if not is_plain or image.min() == image.max():
            self._plain = 0
            return ""
        before, self._plain = self._plain, hash(image.tobytes())
        return "repeated: the same as the block before" if before == self._plain else ""


def _telling_lines(image: Image) -> list[int]:
    rows = image[np.unique(np.linspace(0, image.shape[0] - 1, ROWS).astype(np.intp))]
    thin = rows[:, :: max(1, rows.shape[1] // COLUMNS)]
    is_noisy = (thin[:, 1:] > 0) & (thin[:, 1:] < 255)  # what is black or saturated has no noise
    changes = np.count_nonzero((thin[:, 1:] != thin[:, :-1]) & is_noisy, axis=1).max(axis=1)
    return [hash(row.tobytes()) for row, count in zip(rows, changes, strict=True) if count >= MIN_CHANGES]
