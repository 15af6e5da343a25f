"""COCO's compressed run lengths, as the browser sends what was painted: read, checked, and boxed."""

from __future__ import annotations

from taktsight.errors import ReviewError

MAX_RUNS = 400_000


def counts_of(text: str) -> list[int]:
    """Lengths of the runs, unpainted first, column by column.

    Raises:
        ReviewError: If the text is no such code.

    >>> counts_of("52203")
    [5, 2, 2, 2, 5]
    """
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text) or shift > 30:
                raise ReviewError("a painted mark ends in the middle of a number")
            digit = ord(text[place]) - 48
            if not 0 <= digit < 64:
                raise ReviewError("a painted mark holds a letter that is no digit of it")
            more = bool(digit & 32)
            value |= (digit & 31) << shift
            shift += 5
            place += 1
        if digit & 16:
            value |= -1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        if counts[-1] < 0 or len(counts) > MAX_RUNS:
            raise ReviewError("a painted mark has runs that cannot be")
    return counts


def box_of(counts: list[int], width: int, height: int) -> tuple[int, int, int, int]:
    """The smallest box around what is painted: x0, y0, x1, y1 in pixels, end-exclusive.

    Raises:
        ReviewError: If nothing is, or the runs are of a frame of another size.

    >>> box_of([5, 2, 2, 2, 5], width=4, height=4)
    (1, 1, 3, 3)
    """
    if sum(counts) != width * height:
        raise ReviewError(f"a painted mark is of another frame: {sum(counts)} pixels, not {width * height}")
    x0, y0, x1, y1 = width, height, 0, 0
    at = 0
    for place, count in enumerate(counts):
        if place % 2 and count:
            first, last = divmod(at, height), divmod(at + count - 1, height)
            is_one_column = first[0] == last[0]
            x0, x1 = min(x0, first[0]), max(x1, last[0] + 1)
            y0 = min(y0, first[1] if is_one_column else 0)
            y1 = max(y1, last[1] + 1 if is_one_column else height)
        at += count
    if not x1:
        raise ReviewError("a painted mark has nothing painted")
    return x0, y0, x1, y1
