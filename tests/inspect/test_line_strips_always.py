"""Whatever comes in, in whatever order, wherever the belt goes: no image has a line of another place."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from taktsight.inspect.cameras.line_blocks import LATE, Block, BlockOrder

from .scan import HEIGHT, Scan, run
from .web import block, web


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[int], set[int]]:
    """Numbers as they come in, and those that never do: lost, doubled, and late by LATE at most."""
    count = draw(st.integers(5, 60))
    lost = draw(st.sets(st.integers(0, count - 1), max_size=count // 2))
    twice = draw(st.sets(st.integers(0, count - 1), max_size=5))
    chance = random.Random(draw(st.integers(0, 2**32)))
    # Sorted by number plus a delay below LATE + 1: nobody is behind more than LATE younger ones.
    late = draw(st.booleans())
    key = {n: n + (chance.random() * (LATE + 1) if late else 0) for n in range(count)}
    came = sorted((n for n in range(count) if n not in lost), key=key.__getitem__)
    for number in sorted(twice - lost):
        came.insert(chance.randint(came.index(number), len(came)), number)
    return came, lost


@settings(max_examples=150, deadline=None)
@given(arrivals(), st.integers(1, 23), st.data())
def test_every_tile_whose_blocks_came_is_there_once_and_no_line_is_foreign(
    came_and_lost: tuple[list[int], set[int]], lines: int, data: st.DataObject
) -> None:
    came, lost = came_and_lost
    overlap = data.draw(st.integers(0, lines - 1))
    scan = Scan(lines, overlap)
    scan.put(*run(*came))
    if not came:
        assert scan.tiles == []
        return
    # The web begins with the first block that came; from there the grid lies.
    origin = came[0] * HEIGHT
    numbers = [tile.number for tile in scan.tiles]
    assert numbers == sorted(set(numbers))
    last = max(came)
    for tile, shown in zip(scan.tiles, scan.shown, strict=True):
        wanted = list(range(origin + tile.first, origin + tile.first + lines))
        blocks = {line // HEIGHT for line in wanted}
        assert shown in ([], wanted)
        is_whole = not blocks & lost and not any(each < came[0] for each in blocks)
        assert bool(shown) == is_whole
    told = {tile.first for tile in scan.tiles}
    for first in range(0, last * HEIGHT - origin - lines + 1, lines - overlap):
        blocks = {(origin + line) // HEIGHT for line in range(first, first + lines)}
        if not blocks & lost and max(blocks) < last and _released(came, max(blocks) + 1):
            assert first in told


def _released(came: list[int], number: int) -> bool:
    """Whether the order gives out a block of this number, or a later one, before the end."""
    order = BlockOrder()
    return any(
        each.number is not None and each.number >= number
        for n in came
        for each in order.put(block(n, HEIGHT))
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3 * HEIGHT, 4 * HEIGHT), st.integers(1, 3)), min_size=3, max_size=40),
    st.integers(1, 12),
)
def test_whatever_the_belt_does_an_image_has_neighbouring_lines_only(
    moves: list[tuple[int, int]], lines: int
) -> None:
    """Each block shows the lines where the count stands; only blocks whose lines all passed are even."""
    scan, line, number = Scan(lines), 1000, 0
    for asked, numbers in moves:
        step = max(asked, -HEIGHT * numbers)  # a line is one step: further back no belt comes
        # Within a block the belt goes to where the next one begins: evenly only if that is its lines on.
        even = step == HEIGHT * numbers
        image = web(line, HEIGHT) if even else web(10**9 + number * 100, HEIGHT)
        scan.put(Block(number * 1000, number, line, image))
        line, number = line + step, number + numbers
    for shown in scan.shown:
        if shown:
            assert shown == list(range(shown[0], shown[0] + lines))
            assert shown[0] < 10**8
    firsts = [shown[0] for shown in scan.shown if shown]
    assert all(after - before >= 1 for before, after in itertools.pairwise(firsts))
